"""Single words and sentences that are shown outside of forms and entities."""

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.translation import async_get_cached_translations

from .const import DOMAIN

_PREFIX = f"component.{DOMAIN}.common."


@callback
def async_word(hass: HomeAssistant, key: str, **placeholders: str) -> str:
    """Return a text of the category `common` in Home Assistant's language."""
    texts = async_get_cached_translations(hass, hass.config.language, "common", DOMAIN)
    return texts.get(f"{_PREFIX}{key}", key).format_map(placeholders)


def duration_text(seconds: float) -> str:
    """Return a length of time: `32 s`, `12:05 min` or `1:02:05 h`."""
    minutes, rest = divmod(round(seconds), 60)
    if not minutes:
        return f"{rest} s"
    hours, minutes = divmod(minutes, 60)
    if not hours:
        return f"{minutes}:{rest:02} min"
    return f"{hours}:{minutes:02}:{rest:02} h"
