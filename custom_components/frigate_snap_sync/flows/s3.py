"""The flow of a bucket on an S3-compatible server."""

from collections.abc import Mapping
from typing import Any, ClassVar, override

import voluptuous as vol
from yarl import URL

from homeassistant.config_entries import SubentryFlowResult
from homeassistant.const import CONF_PATH, CONF_VERIFY_SSL
from homeassistant.helpers.selector import (
    BooleanSelector,
    TextSelector,
    TextSelectorConfig,
    TextSelectorType,
)

from ..const import (
    CONF_ACCESS_KEY_ID,
    CONF_BUCKET,
    CONF_ENDPOINT_URL,
    CONF_REGION,
    CONF_SECRET_ACCESS_KEY,
    SUBENTRY_S3,
)
from ..storage.errors import InvalidPath, StorageError, WrongRegion
from ..storage.http.address import InvalidUrl, server_of
from ..storage.s3.answers import may_be_elsewhere
from ..storage.s3.settings import (
    InvalidBucket,
    InvalidRegion,
    clean_bucket,
    clean_prefix,
    clean_region,
    endpoints,
)
from .credentials import SELECTORS, odd_login
from .destination import DestinationFlow
from .stored import stored_server


class S3Flow(DestinationFlow):
    """Add a bucket, or change one."""

    kind: ClassVar[str] = SUBENTRY_S3

    def __init__(self) -> None:
        """Begin with nothing typed."""
        super().__init__()
        self._data: dict[str, Any] = {}
        self._endpoints: tuple[str, ...] = ()
        """The addresses that may be meant, the likely one first."""

    @override
    def _fields(self) -> dict[vol.Marker, Any]:
        return {
            vol.Required(CONF_ENDPOINT_URL): TextSelector(
                TextSelectorConfig(type=TextSelectorType.URL, autocomplete="url")
            ),
            vol.Optional(CONF_REGION): TextSelector(),
            vol.Required(CONF_BUCKET): TextSelector(),
            vol.Required(CONF_ACCESS_KEY_ID): SELECTORS[CONF_ACCESS_KEY_ID],
            vol.Optional(CONF_SECRET_ACCESS_KEY): SELECTORS[CONF_SECRET_ACCESS_KEY],
            vol.Required(CONF_VERIFY_SSL, default=True): BooleanSelector(),
            vol.Optional(CONF_PATH): TextSelector(),
        }

    @override
    def _suggestions(self, stored: Mapping[str, Any]) -> dict[str, Any]:
        return {k: v for k, v in stored.items() if k != CONF_SECRET_ACCESS_KEY}

    @override
    async def _async_plain_mistakes(self) -> dict[str, str]:
        errors = await super()._async_plain_mistakes()
        typed = self._typed
        data = self._data = {
            CONF_ACCESS_KEY_ID: typed[CONF_ACCESS_KEY_ID].strip(),
            CONF_SECRET_ACCESS_KEY: typed.get(CONF_SECRET_ACCESS_KEY, "").strip(),
            CONF_VERIFY_SSL: typed[CONF_VERIFY_SSL],
        }
        errors |= odd_login(data)
        try:
            data[CONF_REGION] = clean_region(typed.get(CONF_REGION, ""))
        except InvalidRegion:
            errors[CONF_REGION] = "invalid_region"
        try:
            data[CONF_PATH] = clean_prefix(typed.get(CONF_PATH, ""))
        except InvalidPath as err:
            errors[CONF_PATH] = self._note(err)
        try:
            data[CONF_BUCKET] = clean_bucket(typed[CONF_BUCKET])
            self._endpoints = endpoints(typed[CONF_ENDPOINT_URL], data[CONF_BUCKET])
            data[CONF_ENDPOINT_URL] = self._endpoints[0]
        except InvalidBucket:
            errors[CONF_BUCKET] = "invalid_bucket"
        except InvalidUrl:
            errors[CONF_ENDPOINT_URL] = "invalid_url"
        if not data[CONF_SECRET_ACCESS_KEY]:
            data[CONF_SECRET_ACCESS_KEY] = self._kept_secret()
            is_server_known = errors.keys().isdisjoint({CONF_ENDPOINT_URL, CONF_BUCKET})
            if not data[CONF_SECRET_ACCESS_KEY] and is_server_known:
                errors[CONF_SECRET_ACCESS_KEY] = "secret_missing"
        return errors

    def _kept_secret(self) -> str:
        """Return the stored secret, if the key and its server are still the same."""
        stored, data = self._stored, self._data
        old = stored_server(stored.get(CONF_ENDPOINT_URL))
        if (
            CONF_ENDPOINT_URL in data
            and old in {server_of(URL(server)) for server in self._endpoints}
            and stored.get(CONF_ACCESS_KEY_ID) == data[CONF_ACCESS_KEY_ID]
        ):
            return str(stored.get(CONF_SECRET_ACCESS_KEY, ""))
        return ""

    @override
    async def _async_submitted(self) -> SubentryFlowResult:
        data, first = self._data, StorageError()
        for endpoint in self._endpoints:
            data[CONF_ENDPOINT_URL] = endpoint
            place = f"{endpoint}/{data[CONF_BUCKET]}/{data[CONF_PATH]}"
            unique_id = f"{SUBENTRY_S3}:{place}"
            if (abort := self._abort_if_known(unique_id)) is not None:
                return abort
            try:
                return self._save(await self._async_test(data), unique_id)
            except StorageError as err:
                first = err if endpoint == self._endpoints[0] else first
                if not may_be_elsewhere(err):
                    break
        return self._show_failure(first)

    @override
    def _show_failure(self, err: StorageError) -> SubentryFlowResult:
        if isinstance(err, WrongRegion) and err.region:
            self._offer_region(err.region)
        return super()._show_failure(err)

    def _offer_region(self, region: str) -> None:
        """Put the region that the server named into the form, and into the address."""
        wrong, url = self._data[CONF_REGION], self._data[CONF_ENDPOINT_URL]
        self._typed[CONF_REGION] = region
        self._typed[CONF_ENDPOINT_URL] = url.replace(f".{wrong}.", f".{region}.")
