"""What logs in: the fields that ask for it, and what is stored of it."""

from collections.abc import Mapping
from typing import Any, Final

from homeassistant.const import CONF_PASSWORD
from homeassistant.helpers.selector import (
    TextSelector,
    TextSelectorConfig,
    TextSelectorType,
)

from ..const import CONF_PASSPHRASE, CONF_PRIVATE_KEY, CONF_PUBLIC_KEY

PASSWORD_SELECTOR: Final = TextSelector(
    TextSelectorConfig(type=TextSelectorType.PASSWORD, autocomplete="current-password")
)
PRIVATE_KEY_SELECTOR: Final = TextSelector(TextSelectorConfig(multiline=True))
PASSPHRASE_SELECTOR: Final = TextSelector(
    TextSelectorConfig(type=TextSelectorType.PASSWORD, autocomplete="off")
)


SELECTORS: Final[Mapping[str, TextSelector]] = {
    CONF_PASSWORD: PASSWORD_SELECTOR,
    CONF_PRIVATE_KEY: PRIVATE_KEY_SELECTOR,
    CONF_PASSPHRASE: PASSPHRASE_SELECTOR,
}
"""By field, for those that a refused login may need."""


def uses_our_key(data: Mapping[str, Any]) -> bool:
    """Tell whether the key that we made is the only way to log in."""
    return bool(data.get(CONF_PUBLIC_KEY)) and not data.get(CONF_PASSWORD)
