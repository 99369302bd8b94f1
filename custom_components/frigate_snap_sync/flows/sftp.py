"""The flow of an SFTP server."""

from collections.abc import Mapping
import posixpath
from typing import Any, ClassVar, override

import voluptuous as vol

from homeassistant.config_entries import SubentryFlowResult
from homeassistant.const import (
    CONF_HOST,
    CONF_PASSWORD,
    CONF_PATH,
    CONF_PORT,
    CONF_USERNAME,
)
from homeassistant.helpers.selector import TextSelector, TextSelectorConfig

from ..const import (
    CONF_HOST_KEY,
    CONF_PASSPHRASE,
    CONF_PRIVATE_KEY,
    CONF_PUBLIC_KEY,
    DEFAULT_SFTP_PORT,
    SUBENTRY_SFTP,
)
from ..kinds import our_sftp_key
from ..markdown import escape
from ..storage.errors import (
    CONNECTING,
    LOGGING_IN,
    AuthFailed,
    HostKeyChanged,
    InvalidKey,
    PathNotAbsolute,
    StorageError,
    Unusable,
)
from ..storage.sftp.destination import (
    HostKey,
    KeyPair,
    fetch_host_key,
    generate_key_pair,
    load_private_key,
)
from ..storage.sftp.host_keys import FETCH_TIMEOUT, load_public_key
from .credentials import (
    PASSPHRASE_SELECTOR,
    PASSWORD_SELECTOR,
    PRIVATE_KEY_SELECTOR,
    key_fields,
    odd_login,
)
from .destination import DestinationFlow
from .selectors import fractions, whole_number

_KEY_COMMENT = "frigate-snap-sync"
_SECRETS = (CONF_PASSWORD, CONF_PRIVATE_KEY, CONF_PASSPHRASE)
_TARGET = (CONF_HOST, CONF_PORT, CONF_USERNAME)
_BEFORE_LOGIN = ("", CONNECTING, LOGGING_IN)
"""Where a test stopped that did not show that the server takes the login."""


class SftpFlow(DestinationFlow):
    """Add an SFTP server, or change one.

    First the form; then the server's host key, unless it is known; then the
    public half of our own key, where that is how to log in; then the test. The
    server gets no login before its host key was confirmed.
    """

    kind: ClassVar[str] = SUBENTRY_SFTP
    fetch_timeout: ClassVar[float] = FETCH_TIMEOUT

    def __init__(self) -> None:
        """Begin with nothing confirmed."""
        super().__init__()
        self._data: dict[str, Any] = {}
        self._offered: HostKey | None = None
        self._confirmed: dict[tuple[str, int], str] = {}
        self._distrusted: set[tuple[str, int]] = set()
        self._key_pair: KeyPair | None = None
        self._taken: set[tuple[object, ...]] = set()

    @override
    def _fields(self) -> dict[vol.Marker, Any]:
        return {
            vol.Required(CONF_HOST): TextSelector(),
            vol.Required(CONF_PORT, default=DEFAULT_SFTP_PORT): whole_number(1, 65535),
            vol.Required(CONF_USERNAME): TextSelector(
                TextSelectorConfig(autocomplete="username")
            ),
            vol.Required(CONF_PATH): TextSelector(),
            vol.Optional(CONF_PASSWORD): PASSWORD_SELECTOR,
            vol.Optional(CONF_PRIVATE_KEY): PRIVATE_KEY_SELECTOR,
            vol.Optional(CONF_PASSPHRASE): PASSPHRASE_SELECTOR,
        }

    @override
    def _suggestions(self, stored: Mapping[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in stored.items() if key not in _SECRETS}

    @override
    async def _async_plain_mistakes(self) -> dict[str, str]:
        errors = await super()._async_plain_mistakes()
        if not self._typed[CONF_PATH].strip().startswith("/"):
            errors[CONF_PATH] = PathNotAbsolute.code
        if fractions(self._typed, (CONF_PORT,)):
            errors[CONF_PORT] = "whole_number"
        self._data = self._merged()
        errors |= odd_login(self._data)
        is_lacking = not (
            self._typed.get(CONF_PASSWORD) or self._typed.get(CONF_PRIVATE_KEY)
        )
        if self._is_elsewhere() and self._stored.get(CONF_PASSWORD) and is_lacking:
            errors[CONF_PASSWORD] = "password_missing"
        if CONF_PRIVATE_KEY in self._data:
            try:
                await load_private_key(
                    self._data[CONF_PRIVATE_KEY], self._data.get(CONF_PASSPHRASE)
                )
            except InvalidKey as err:
                errors[CONF_PRIVATE_KEY] = self._note(err)
        return errors

    def _merged(self) -> dict[str, Any]:
        """Return the data for what was typed; an empty secret keeps the stored one.

        But no stored password ever goes to another server than its own.
        """
        typed, stored = self._typed, dict(self._stored)
        if self._is_elsewhere():
            stored.pop(CONF_PASSWORD, None)
        data = {
            CONF_HOST: typed[CONF_HOST].strip().strip("[]"),
            CONF_PORT: typed[CONF_PORT],
            CONF_USERNAME: typed[CONF_USERNAME].strip(),
            CONF_PATH: posixpath.normpath(f"/{typed[CONF_PATH].strip().lstrip('/')}"),
        }
        secrets = {key: typed.get(key) or stored.get(key) for key in _SECRETS}
        if typed.get(CONF_PRIVATE_KEY):
            # The stored passphrase is that of the stored key.
            secrets[CONF_PASSPHRASE] = typed.get(CONF_PASSPHRASE)
        else:
            secrets[CONF_PUBLIC_KEY] = stored.get(CONF_PUBLIC_KEY)
        return data | {key: value for key, value in secrets.items() if value}

    def _is_elsewhere(self) -> bool:
        """Tell whether what was typed names another server than what is stored."""
        typed, stored = self._typed, self._stored
        host = typed[CONF_HOST].strip().strip("[]").lower()
        known = stored.get(CONF_HOST)
        return bool(stored) and (host, typed[CONF_PORT]) != (
            known and known.lower(),
            stored.get(CONF_PORT),
        )

    @override
    async def _async_submitted(self) -> SubentryFlowResult:
        data = self._data
        if (abort := self._abort_if_known(self._unique_id)) is not None:
            return abort
        if CONF_PASSWORD not in data and CONF_PRIVATE_KEY not in data:
            if self._key_pair is None:
                self._key_pair = await generate_key_pair(_KEY_COMMENT)
            data[CONF_PRIVATE_KEY] = self._key_pair.private_key
            data[CONF_PUBLIC_KEY] = self._key_pair.public_key
        if (host_key := self._known_host_key()) is not None:
            data[CONF_HOST_KEY] = host_key
            return await self._async_log_in()
        try:
            self._offered = await fetch_host_key(
                *self._server, timeout=self.fetch_timeout
            )
        except StorageError as err:
            return self._show_failure(err)
        return self._show_host_key(self._offered)

    async def async_step_host_key(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Take the host key that was shown as confirmed."""
        assert self._offered is not None
        if user_input is None:
            return self._show_host_key(self._offered)
        self._confirmed[self._server] = self._offered.line
        self._data[CONF_HOST_KEY] = self._offered.line
        return await self._async_log_in()

    async def async_step_public_key(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Log in with our own key, which the owner has pasted by now."""
        if user_input is None:
            return self._show_public_key()
        if username := user_input.get(CONF_USERNAME, "").strip():
            if odd := odd_login({CONF_USERNAME: username}):
                return self._show_public_key(errors=odd)
            self._typed[CONF_USERNAME] = self._data[CONF_USERNAME] = username
            if (abort := self._abort_if_known(self._unique_id)) is not None:
                return abort
        return await self._async_finish()

    async def _async_log_in(self) -> SubentryFlowResult:
        """Test the login, or first show the key that makes it possible.

        What the server has taken already needs no key to be pasted any more.
        """
        target_changed = any(
            self._data[key] != self._stored.get(key)
            for key in (*_TARGET, CONF_PRIVATE_KEY)
            if key in self._data
        )
        if (
            our_sftp_key(self._data)
            and target_changed
            and self._login not in self._taken
        ):
            return self._show_public_key()
        return await self._async_finish()

    async def _async_finish(self) -> SubentryFlowResult:
        try:
            data = await self._async_test(self._data)
        except HostKeyChanged as err:
            # The next attempt begins with a look at the new key.
            self._confirmed.pop(self._server, None)
            self._distrusted.add(self._server)
            return self._show_failure(err)
        except AuthFailed as err:
            if our_sftp_key(self._data):
                self._note(err)
                return self._show_public_key(errors={"base": AuthFailed.code})
            return self._show_failure(err)
        except StorageError as err:
            if err.step not in _BEFORE_LOGIN:
                self._taken.add(self._login)
            return self._show_failure(err)
        return self._save(data, self._unique_id)

    def _show_host_key(self, host_key: HostKey) -> SubentryFlowResult:
        return self.async_show_form(
            step_id="host_key",
            data_schema=vol.Schema({}),
            description_placeholders={
                "host": escape(self._data[CONF_HOST]),
                "algorithm": host_key.algorithm,
                "fingerprint": host_key.fingerprint,
            },
        )

    def _show_public_key(
        self, *, errors: dict[str, str] | None = None
    ) -> SubentryFlowResult:
        """Show the key to paste; after a refusal a wrong user name can be corrected."""
        username = self._data[CONF_USERNAME]
        fields = key_fields(self._data[CONF_PUBLIC_KEY], username)
        if errors:
            fields[vol.Optional(CONF_USERNAME, default=username)] = TextSelector()
        return self.async_show_form(
            step_id="public_key",
            data_schema=vol.Schema(fields),
            errors=errors or {},
            description_placeholders={
                "host": escape(self._data[CONF_HOST]),
                "username": escape(username),
                "public_key": self._data[CONF_PUBLIC_KEY],
                "reason": self._reason,
            },
        )

    @override
    def _error(self, err: StorageError) -> tuple[str, str]:
        if isinstance(err, AuthFailed) and CONF_PASSWORD in self._data:
            return CONF_PASSWORD, err.code
        return super()._error(err)

    def _known_host_key(self) -> str | None:
        """Return the host key that was confirmed for the server, now or earlier."""
        if (host_key := self._confirmed.get(self._server)) is not None:
            return host_key
        stored = self._stored
        if (stored.get(CONF_HOST), stored.get(CONF_PORT)) == self._server:
            if self._server not in self._distrusted:
                return _pinned(stored)
        return None

    @property
    def _server(self) -> tuple[str, int]:
        return self._data[CONF_HOST], self._data[CONF_PORT]

    @property
    def _login(self) -> tuple[object, ...]:
        return tuple(self._data.get(key) for key in (*_TARGET, CONF_PRIVATE_KEY))

    @property
    def _unique_id(self) -> str:
        data = self._data
        return (
            f"{SUBENTRY_SFTP}:{data[CONF_USERNAME]}@{data[CONF_HOST].lower()}"
            f":{data[CONF_PORT]}{data[CONF_PATH]}"
        )


def _pinned(stored: Mapping[str, Any]) -> str | None:
    """Return the stored host key; one that can't be read was never confirmed."""
    line = stored.get(CONF_HOST_KEY, "")
    try:
        load_public_key(line)
    except Unusable:
        return None
    return str(line)
