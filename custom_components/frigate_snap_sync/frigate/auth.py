"""Frigate's login: name and password for a token, kept and renewed in time."""

import asyncio
import base64
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
import json
from time import monotonic, time
from typing import Final, NoReturn

from yarl import URL

from .errors import (
    FrigateAuthFailed,
    FrigateError,
    FrigateForbidden,
    FrigateServerError,
    FrigateUnreachable,
    NotFrigate,
)
from .transport import Answer, Transport

REFUSAL_KEPT: Final = 900.0
"""Seconds in which refused credentials are not sent again, whoever asks: servers
ban who knocks too often, and Frigate can limit logins itself."""
_FAILURE_KEPT: Final = 60.0
"""The same for a login that was answered, but not as Frigate does."""
_WRONG: Final = "The user name or the password is wrong"
_MARGIN: Final = 60.0
"""Seconds before its end at which a token is renewed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A JSON web token and the monotonic time from which on a new one is due."""

    value: str
    renew_at: float | None


class Auth:
    """The login of one user at one Frigate.

    Only one login runs at a time, and those who waited for it share its
    outcome, a failure too.
    """

    def __init__(
        self,
        transport: Transport,
        url: URL,
        *,
        username: str | None,
        password: str | None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """Prepare the login at `url`; without `username` there is none."""
        self._clock = clock
        self._transport = transport
        self._url = url
        self._username = username
        self._password = password or ""
        self._lock = asyncio.Lock()
        self._token: Token | None = None
        self._disabled = False
        self._attempts = 0
        self._failure: FrigateError | None = None
        self._blocked_until = 0.0

    async def token(self) -> str | None:
        """Return a token to use, logging in if need be; None if there is no login.

        Raises the `FrigateError` that says why logging in failed, or that Frigate
        refused us less than `REFUSAL_KEPT` seconds ago.
        """
        if self._is_blocked:
            self._raise_again()
        if not self._username or self._disabled:
            return None
        if (token := self._usable()) is not None:
            return token.value
        return await self._log_in()

    async def renew(self, refused: str | None) -> str | None:
        """Return another token after Frigate refused the token `refused`.

        Raises `FrigateAuthFailed` if there is no user name, else as `token`.
        """
        if not self._username:
            raise self._block(FrigateAuthFailed("Frigate wants a user name"))
        self._disabled = False
        if self._token is not None and self._token.value == refused:
            self._token = None
        return await self.token()

    def reject(self) -> FrigateAuthFailed:
        """Return the error for a Frigate that refuses even a fresh token."""
        self._token = None
        return self._block(FrigateAuthFailed("Frigate refuses the token that it gave"))

    def _usable(self) -> Token | None:
        token = self._token
        if token is None or token.renew_at is None:
            return token
        return token if self._clock() < token.renew_at else None

    @property
    def _is_blocked(self) -> bool:
        return self._failure is not None and self._clock() < self._blocked_until

    def _raise_again(self) -> NoReturn:
        """Raise the last failure, as an exception of its own for each caller."""
        assert self._failure is not None
        raise copy(self._failure)

    def _block[E: FrigateError](self, failure: E) -> E:
        """Let no request out for a while; return the failure."""
        is_refusal = isinstance(failure, FrigateAuthFailed | FrigateForbidden)
        self._failure = failure
        self._blocked_until = self._clock() + (
            REFUSAL_KEPT if is_refusal else _FAILURE_KEPT
        )
        return failure

    async def _log_in(self) -> str | None:
        attempts = self._attempts
        async with self._lock:
            if (token := self._usable()) is not None:
                return token.value
            if self._disabled:
                return None
            if self._failure is not None and (
                self._attempts != attempts or self._is_blocked
            ):
                self._raise_again()
            self._failure = None
            try:
                self._token = await self._ask()
            except FrigateError as err:
                self._failure = err
                if not _is_passing(err):
                    self._block(err)
                raise
            finally:
                self._attempts += 1
            return None if self._token is None else self._token.value

    async def _ask(self) -> Token | None:
        """Log in; None if Frigate has its login switched off."""
        answer = await self._transport.ask(
            "POST",
            self._url,
            json={"user": self._username, "password": self._password},
        )
        match answer.status:
            case HTTPStatus.OK:
                return self._token_of(answer)
            case HTTPStatus.NOT_FOUND:
                self._disabled = True
                return None
            case HTTPStatus.UNAUTHORIZED:
                raise FrigateAuthFailed(_WRONG)
            case HTTPStatus.BAD_REQUEST if answer.message == "Login failed":
                # Frigate 0.14
                raise FrigateAuthFailed(_WRONG)
            case HTTPStatus.METHOD_NOT_ALLOWED | HTTPStatus.NOT_IMPLEMENTED:
                raise NotFrigate(
                    f"The login: HTTP status {answer.status}",
                    said=f"HTTP {answer.status}",
                )
            case HTTPStatus.TOO_MANY_REQUESTS:
                raise FrigateServerError(
                    "Frigate allows no more logins for now",
                    status=answer.status,
                    hint="too_many_logins",
                )
        raise answer.error("the login")

    def _token_of(self, answer: Answer) -> Token:
        """Find the token among the cookies; its name is a setting of Frigate."""
        for value in answer.cookies:
            if (claims := jwt_claims(value)) is not None:
                return Token(value=value, renew_at=self._renew_at(claims, answer.date))
        raise NotFrigate("The login was answered without a token")

    def _renew_at(self, claims: dict[str, object], date: str | None) -> float | None:
        """Return when to renew, from `exp` by Frigate's own clock.

        None where that is not known: then a 401 shows it.
        """
        expires = claims.get("exp")
        if isinstance(expires, bool) or not isinstance(expires, int | float):
            return None
        try:
            now = time() if date is None else _epoch(date)
            left = float(expires) - now
        except ValueError, OverflowError:
            return None
        if not 0 < left < float("inf"):
            return None
        return self._clock() + left - min(_MARGIN, left / 2)


def _is_passing(error: FrigateError) -> bool:
    """Tell whether a failure says nothing about the credentials: Frigate starts, say."""
    if isinstance(error, FrigateServerError):
        return (error.status or 0) >= HTTPStatus.INTERNAL_SERVER_ERROR
    return isinstance(error, FrigateUnreachable)


def jwt_claims(value: str) -> dict[str, object] | None:
    """Return the claims of a JSON web token, None if `value` is not one.

    The signature is not checked: the token is only handed back to its maker.
    """
    parts = value.split(".")
    if len(parts) != 3 or not all(parts):
        return None
    try:
        header, claims = (json.loads(_base64url(part)) for part in parts[:2])
    except ValueError, RecursionError:
        return None
    if not isinstance(header, dict) or "alg" not in header:
        return None
    return claims if isinstance(claims, dict) else None


def _base64url(part: str) -> bytes:
    return base64.b64decode(part + "=" * (-len(part) % 4), altchars="-_", validate=True)


def _epoch(date: str) -> float:
    return parsedate_to_datetime(date).timestamp()
