"""The settings of one Frigate: the form, and whether Frigate agrees with it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import voluptuous as vol
from yarl import URL

from homeassistant.components import mqtt
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import CONF_PASSWORD, CONF_URL, CONF_USERNAME, CONF_VERIFY_SSL
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import section
from homeassistant.helpers.selector import (
    BooleanSelector,
    TextSelector,
    TextSelectorConfig,
    TextSelectorType,
)

from ..clients import async_create_session, build_client
from ..const import (
    CONF_IMPORT_CONFIG,
    CONF_PROXY,
    CONF_TOPIC_PREFIX,
    LOGGER,
    SECTION_ADVANCED,
)
from ..frigate.address import parse_base_url, parse_proxy, without_page
from ..frigate.client import FrigateClient
from ..frigate.errors import (
    FrigateAuthFailed,
    FrigateError,
    FrigateForbidden,
    FrigateTimeout,
    FrigateTlsError,
    InvalidProxy,
    InvalidUrl,
    NotFrigate,
    UnsupportedVersion,
)
from ..words import async_load_words, async_why
from .credentials import PASSWORD_SELECTOR
from .stored import readable

_BASE = "base"

_ERRORS: tuple[tuple[type[FrigateError], str, str], ...] = (
    (FrigateTimeout, CONF_URL, "timeout_connect"),
    (FrigateTlsError, CONF_URL, "ssl_error"),
    (FrigateAuthFailed, CONF_PASSWORD, "invalid_auth"),
    (FrigateForbidden, CONF_PASSWORD, "invalid_auth"),
    (NotFrigate, CONF_URL, "not_frigate"),
    (UnsupportedVersion, CONF_URL, "unsupported_version"),
    (FrigateError, CONF_URL, "cannot_connect"),
)


@dataclass(slots=True, kw_only=True)
class Verdict:
    """What came out of a check: errors by field, or the topic prefix in force."""

    errors: dict[str, str] = field(default_factory=dict)
    reason: str = ""
    topic_prefix: str = ""


_LOG_IN_FIELDS = {
    vol.Optional(CONF_USERNAME): TextSelector(
        TextSelectorConfig(autocomplete="username")
    ),
    vol.Optional(CONF_PASSWORD): PASSWORD_SELECTOR,
}


def entry_schema(*, expand_advanced: bool, can_import: bool = False) -> vol.Schema:
    """Return the form of one Frigate.

    With `can_import` it leads to the import as well, whose URL is the one that counts.
    """
    importing: dict[vol.Marker, Any] = {}
    if can_import:
        importing[vol.Optional(CONF_IMPORT_CONFIG)] = BooleanSelector()
    return vol.Schema(
        {
            vol.Required(CONF_URL): TextSelector(
                TextSelectorConfig(type=TextSelectorType.URL, autocomplete="url")
            ),
            **_LOG_IN_FIELDS,
            vol.Required(CONF_VERIFY_SSL, default=True): BooleanSelector(),
            vol.Optional(SECTION_ADVANCED): section(
                vol.Schema(
                    {
                        vol.Optional(CONF_PROXY): TextSelector(
                            TextSelectorConfig(type=TextSelectorType.URL)
                        ),
                        vol.Optional(CONF_TOPIC_PREFIX): TextSelector(),
                        **importing,
                    }
                ),
                {"collapsed": not expand_advanced},
            ),
        }
    )


def entry_data(
    user_input: Mapping[str, Any], stored: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the entry's data for what was typed; what is empty is left out.

    An empty password keeps the stored one while there is a user name, and while
    it goes where it went before: see `password_missing`.
    """
    advanced = user_input.get(SECTION_ADVANCED, {})
    data = {
        CONF_URL: without_page(user_input[CONF_URL]),
        CONF_USERNAME: user_input.get(CONF_USERNAME, "").strip(),
        CONF_PASSWORD: user_input.get(CONF_PASSWORD, ""),
        CONF_PROXY: advanced.get(CONF_PROXY, "").strip(),
        CONF_TOPIC_PREFIX: advanced.get(CONF_TOPIC_PREFIX, "").strip().rstrip("/"),
    }
    if stored and data[CONF_USERNAME] and not data[CONF_PASSWORD]:
        if _receivers(data) == _receivers(stored):
            data[CONF_PASSWORD] = stored.get(CONF_PASSWORD, "")
    return {
        **{key: value for key, value in data.items() if value},
        CONF_VERIFY_SSL: user_input[CONF_VERIFY_SSL],
    }


def password_missing(data: Mapping[str, Any], stored: Mapping[str, Any]) -> bool:
    """Tell whether the password has to be typed again for these data.

    The stored one is never sent to another server than the one it was typed for,
    nor by way of another proxy, which sees what goes over plain HTTP.
    """
    return (
        CONF_USERNAME in data
        and CONF_PASSWORD not in data
        and CONF_PASSWORD in stored
        and _receivers(data) is not None
        and _receivers(data) != _receivers(stored)
    )


type _Server = tuple[str, str | None, int | None]


def _receivers(data: Mapping[str, Any]) -> tuple[_Server, _Server | None] | None:
    """Return who gets the password: server and proxy; None where a URL is invalid."""
    proxy = data.get(CONF_PROXY)
    try:
        server = parse_base_url(data.get(CONF_URL, ""))
        via = parse_proxy(proxy) if proxy else None
    except InvalidUrl:
        return None
    return _server(server), None if via is None else _server(via)


def _server(url: URL) -> _Server:
    return url.scheme, url.host, url.port


def log_in_schema() -> vol.Schema:
    """Return the form of Frigate's login alone."""
    return vol.Schema(_LOG_IN_FIELDS)


def log_in_data(
    user_input: Mapping[str, Any], stored: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the entry's data with the login that was typed.

    An empty password keeps the stored one while there is a user name.
    """
    return entry_data(
        {**entry_suggestions(stored), CONF_USERNAME: "", **user_input}, stored
    )


def log_in_errors(verdict: Verdict) -> dict[str, str]:
    """Return a verdict's errors; what is no field of the login concerns the whole."""
    fields = {CONF_USERNAME, CONF_PASSWORD}
    return {
        place if place in fields else _BASE: error
        for place, error in verdict.errors.items()
    }


def readable_entry(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return what can be read of an entry's data: its owner types the rest again."""
    return readable(data, entry_schema(expand_advanced=False).schema)


def entry_suggestions(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the form's values for stored data, without the password."""
    return {
        CONF_URL: data.get(CONF_URL, ""),
        CONF_USERNAME: data.get(CONF_USERNAME, ""),
        CONF_VERIFY_SSL: data.get(CONF_VERIFY_SSL, True),
        SECTION_ADVANCED: {
            CONF_PROXY: data.get(CONF_PROXY, ""),
            CONF_TOPIC_PREFIX: data.get(CONF_TOPIC_PREFIX, ""),
        },
    }


async def async_check_entry(
    hass: HomeAssistant, data: Mapping[str, Any], *, known_prefix: str = ""
) -> Verdict:
    """Find out whether MQTT is there and Frigate can be used with these data.

    `known_prefix` is that of a Frigate of which only the login is new: it may be in
    safe mode, where it does not say its prefix.
    """
    verdict = Verdict()
    await async_load_words(hass)
    prefix = data.get(CONF_TOPIC_PREFIX, "")
    if prefix and not is_topic_prefix(prefix):
        verdict.errors[SECTION_ADVANCED] = "invalid_topic_prefix"
    session = async_create_session(hass, data, auto_cleanup=False)
    try:
        client = build_client(hass, session, data)
        if not verdict.errors and not _mqtt_is_loaded(hass):
            verdict.errors[_BASE] = "mqtt_not_set_up"
        if not verdict.errors:
            await _async_ask(client, prefix, known_prefix, verdict)
    except InvalidProxy:
        verdict.errors[SECTION_ADVANCED] = "invalid_proxy"
    except InvalidUrl:
        verdict.errors[CONF_URL] = "invalid_url"
    except FrigateError as err:
        LOGGER.info("Frigate was not accepted: %s", err)
        verdict.reason = async_why(hass, err)
        place, error = next(
            (place, error) for cause, place, error in _ERRORS if isinstance(err, cause)
        )
        verdict.errors[place] = error
    finally:
        session.detach()
    return verdict


async def _async_ask(
    client: FrigateClient, prefix: str, known_prefix: str, verdict: Verdict
) -> None:
    await client.version()
    config = await client.config()
    if config.safe_mode and known_prefix:
        verdict.topic_prefix = known_prefix
        return
    verdict.topic_prefix = prefix or config.topic_prefix
    if config.safe_mode:
        verdict.errors[_BASE] = "frigate_safe_mode"
    elif not config.mqtt_enabled:
        verdict.errors[_BASE] = "frigate_mqtt_disabled"
    elif not is_topic_prefix(verdict.topic_prefix):
        verdict.errors[SECTION_ADVANCED] = "invalid_topic_prefix"


def is_topic_prefix(prefix: str) -> bool:
    """Tell whether topics can begin with this: valid for MQTT, no wildcards."""
    try:
        mqtt.valid_publish_topic(prefix)
    except vol.Invalid:
        return False
    return True


def _mqtt_is_loaded(hass: HomeAssistant) -> bool:
    return any(
        entry.state is ConfigEntryState.LOADED
        for entry in hass.config_entries.async_entries(mqtt.DOMAIN)
    )
