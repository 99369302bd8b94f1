"""Where a Frigate may be: what a form suggests before anything is typed."""

import asyncio
from collections.abc import Collection

from homeassistant.config_entries import SOURCE_IGNORE
from homeassistant.const import CONF_URL, CONF_VERIFY_SSL
from homeassistant.core import HomeAssistant
from homeassistant.helpers.hassio import is_hassio

from ..clients import async_create_session, build_client
from ..frigate.errors import FrigateError

_FRIGATE_DOMAIN = "frigate"
ADDON_URLS = (
    "http://ccab4aaf-frigate:5000",
    "http://ccab4aaf-frigate-fa:5000",
    "http://ccab4aaf-frigate-beta:5000",
    "http://ccab4aaf-frigate-fa-beta:5000",
)
"""Frigate's add-ons, as other containers reach them: the slug with hyphens."""
_TIMEOUT = 3


async def async_find_frigate(
    hass: HomeAssistant, used: Collection[str], addon_urls: Collection[str] = ADDON_URLS
) -> str | None:
    """Return the URL of a Frigate that is none of those `used`; None if none is found.

    Frigate's own integration knows it; else its add-on is asked, where Home Assistant
    has add-ons.
    """
    for entry in hass.config_entries.async_entries(_FRIGATE_DOMAIN):
        url = str(entry.data.get(CONF_URL, "")).rstrip("/")
        if entry.source != SOURCE_IGNORE and url and url not in used:
            return url
    if not is_hassio(hass):
        return None
    urls = [url for url in addon_urls if url not in used]
    answers = await asyncio.gather(*(_async_answers(hass, url) for url in urls))
    return next(
        (url for url, is_there in zip(urls, answers, strict=True) if is_there), None
    )


async def _async_answers(hass: HomeAssistant, url: str) -> bool:
    """Tell whether a Frigate answers at a URL."""
    session = async_create_session(hass, {CONF_VERIFY_SSL: True}, auto_cleanup=False)
    try:
        async with asyncio.timeout(_TIMEOUT):
            await build_client(
                hass, session, {CONF_URL: url, CONF_VERIFY_SSL: True}
            ).version()
    except FrigateError, TimeoutError:
        return False
    finally:
        session.detach()
    return True
