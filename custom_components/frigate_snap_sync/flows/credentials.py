"""What logs in: the fields that ask for it."""

from collections.abc import Mapping
import shlex
from typing import Any, Final
import unicodedata

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


def odd_login(data: Mapping[str, Any]) -> dict[str, str]:
    """Return errors of what can't log in anywhere, by field.

    A line break that was pasted, say: no header of a request may have one.
    """
    errors = {}
    key_id = data.get(CONF_ACCESS_KEY_ID)
    if key_id is not None and not (
        key_id and key_id.isascii() and key_id.isprintable() and " " not in key_id
    ):
        errors[CONF_ACCESS_KEY_ID] = "invalid_access_key"
    if any(unicodedata.category(char) == "Cc" for char in data.get(CONF_USERNAME, "")):
        errors[CONF_USERNAME] = "invalid_username"
    return errors


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
