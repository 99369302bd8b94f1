"""Clients of Frigate made from the data of entries."""

from collections.abc import Mapping
from typing import Any

import aiohttp

from homeassistant.const import CONF_PASSWORD, CONF_URL, CONF_USERNAME, CONF_VERIFY_SSL
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.aiohttp_client import async_create_clientsession
from homeassistant.util.hass_dict import HassKey

from .const import CONF_PROXY, DOMAIN
from .frigate.client import FrigateClient, Limits

FRIGATE_LIMITS: HassKey[Limits] = HassKey(f"{DOMAIN}_frigate_limits")
"""How long clients wait; nothing is there unless a test has put it there."""


@callback
def async_create_session(
    hass: HomeAssistant, data: Mapping[str, Any], *, auto_cleanup: bool = True
) -> aiohttp.ClientSession:
    """Return a session of its own for a client with an entry's data.

    Home Assistant closes one that is made while an entry is set up after its
    unload; without `auto_cleanup` the caller has to detach it.
    """
    # Without cookies: the session that all share may hold the login of another
    # integration, and a wrong password would pass.
    return async_create_clientsession(
        hass,
        data[CONF_VERIFY_SSL],
        auto_cleanup=auto_cleanup,
        cookie_jar=aiohttp.DummyCookieJar(),
    )


@callback
def build_client(
    hass: HomeAssistant, session: aiohttp.ClientSession, data: Mapping[str, Any]
) -> FrigateClient:
    """Return the client of the Frigate that an entry's data describe.

    Nothing is sent yet. Raises InvalidUrl or InvalidProxy.
    """
    return FrigateClient(
        session,
        data[CONF_URL],
        username=data.get(CONF_USERNAME),
        password=data.get(CONF_PASSWORD),
        verify_ssl=data[CONF_VERIFY_SSL],
        proxy=data.get(CONF_PROXY),
        limits=hass.data.get(FRIGATE_LIMITS),
    )
