"""What logs in: the fields that ask for it."""

from collections.abc import Mapping
import shlex
from typing import Any, Final

import voluptuous as vol

from homeassistant.const import CONF_PASSWORD, CONF_USERNAME
from homeassistant.helpers.selector import (
    TextSelector,
    TextSelectorConfig,
    TextSelectorType,
)

from ..const import (
    CONF_ACCESS_KEY_ID,
    CONF_PASSPHRASE,
    CONF_PRIVATE_KEY,
    CONF_PUBLIC_KEY,
    CONF_SECRET_ACCESS_KEY,
)

PASSWORD_SELECTOR: Final = TextSelector(
    TextSelectorConfig(type=TextSelectorType.PASSWORD, autocomplete="current-password")
)
PRIVATE_KEY_SELECTOR: Final = TextSelector(TextSelectorConfig(multiline=True))
PASSPHRASE_SELECTOR: Final = TextSelector(
    TextSelectorConfig(type=TextSelectorType.PASSWORD, autocomplete="off")
)

SELECTORS: Final[Mapping[str, TextSelector]] = {
    CONF_ACCESS_KEY_ID: TextSelector(),
    CONF_PASSPHRASE: PASSPHRASE_SELECTOR,
    CONF_PASSWORD: PASSWORD_SELECTOR,
    CONF_PRIVATE_KEY: PRIVATE_KEY_SELECTOR,
    CONF_SECRET_ACCESS_KEY: PASSPHRASE_SELECTOR,
    CONF_USERNAME: TextSelector(),
}
"""By field, for those that a refused login may need."""

SHOWN: Final = frozenset({CONF_ACCESS_KEY_ID, CONF_USERNAME})
"""Those that are no secret: a form may show what is stored."""

_COMMAND: Final = "command"
_COPIED: Final = TextSelector(TextSelectorConfig(multiline=True))


def key_fields(public_key: str, username: str) -> dict[vol.Marker, Any]:
    """Return the fields that a public key is copied from; what they return is nothing.

    A field, for in a text nothing long can be selected on a phone. The command is that
    of a server that is set up as the documentation shows.
    """
    file = shlex.quote(f"/etc/ssh/authorized_keys/{username}")
    shown = {
        _COMMAND: f"echo {shlex.quote(public_key)} | sudo tee -a {file}",
        CONF_PUBLIC_KEY: public_key,
    }
    return {
        vol.Optional(name, description={"suggested_value": text}): _COPIED
        for name, text in shown.items()
    }
