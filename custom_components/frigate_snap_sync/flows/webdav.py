"""The flow of a WebDAV server."""

from collections.abc import Mapping
from typing import Any, ClassVar, override

import voluptuous as vol

from homeassistant.config_entries import SubentryFlowResult
from homeassistant.const import (
    CONF_PASSWORD,
    CONF_PATH,
    CONF_URL,
    CONF_USERNAME,
    CONF_VERIFY_SSL,
)
from homeassistant.helpers.selector import (
    BooleanSelector,
    TextSelector,
    TextSelectorConfig,
    TextSelectorType,
)

from ..const import SUBENTRY_WEBDAV
from ..storage.errors import AuthFailed, InvalidPath, StorageError
from ..storage.http.address import InvalidUrl, parse_url, server_of
from ..storage.webdav.settings import parse_folder
from .credentials import PASSWORD_SELECTOR, odd_login
from .destination import DestinationFlow
from .stored import stored_server

_EXAMPLE_URL = "https://nas.lan/remote.php/dav/files/cam"


class WebdavFlow(DestinationFlow):
    """Add a WebDAV server, or change one."""

    kind: ClassVar[str] = SUBENTRY_WEBDAV
    examples: ClassVar[Mapping[str, str]] = {"example_url": _EXAMPLE_URL}

    def __init__(self) -> None:
        """Begin with nothing typed."""
        super().__init__()
        self._data: dict[str, Any] = {}

    @override
    def _fields(self) -> dict[vol.Marker, Any]:
        return {
            vol.Required(CONF_URL): TextSelector(
                TextSelectorConfig(type=TextSelectorType.URL, autocomplete="url")
            ),
            vol.Optional(CONF_USERNAME): TextSelector(
                TextSelectorConfig(autocomplete="username")
            ),
            vol.Optional(CONF_PASSWORD): PASSWORD_SELECTOR,
            vol.Required(CONF_VERIFY_SSL, default=True): BooleanSelector(),
            vol.Optional(CONF_PATH): TextSelector(),
        }

    @override
    def _suggestions(self, stored: Mapping[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in stored.items() if key != CONF_PASSWORD}

    @override
    async def _async_plain_mistakes(self) -> dict[str, str]:
        errors = await super()._async_plain_mistakes()
        typed = self._typed
        self._data = {
            CONF_USERNAME: typed.get(CONF_USERNAME, "").strip(),
            CONF_PASSWORD: typed.get(CONF_PASSWORD, ""),
            CONF_VERIFY_SSL: typed[CONF_VERIFY_SSL],
        }
        errors |= odd_login(self._data)
        try:
            self._data[CONF_PATH] = "/" + "/".join(
                parse_folder(typed.get(CONF_PATH, ""))
            )
        except InvalidPath as err:
            errors[CONF_PATH] = self._note(err)
        try:
            url = parse_url(typed[CONF_URL])
        except InvalidUrl:
            errors[CONF_URL] = "invalid_url"
            return errors
        self._data[CONF_URL] = str(url)
        if not self._data[CONF_PASSWORD] and self._data[CONF_USERNAME]:
            stored = self._stored.get(CONF_PASSWORD, "")
            # It never goes to another server than its own.
            if stored and server_of(url) != stored_server(self._stored.get(CONF_URL)):
                errors[CONF_PASSWORD] = "password_missing"
            self._data[CONF_PASSWORD] = stored
        return errors

    @override
    async def _async_submitted(self) -> SubentryFlowResult:
        data = self._data
        return await self._async_test_and_save(
            data,
            f"{SUBENTRY_WEBDAV}:{data[CONF_USERNAME]}@{data[CONF_URL]}"
            f"{data[CONF_PATH]}",
        )

    @override
    def _error(self, err: StorageError) -> tuple[str, str]:
        if isinstance(err, AuthFailed) and self._data.get(CONF_USERNAME):
            return CONF_PASSWORD, err.code
        return super()._error(err)
