"""Requests to the API of one Frigate: its address, its login, its answers."""

import asyncio
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Final

import aiohttp
from yarl import URL

from .address import api_url, live_url
from .auth import Auth
from .errors import (
    FrigateServerError,
    FrigateTimeout,
    FrigateUnreachable,
    MalformedMessage,
    MediaBroken,
    NotFrigate,
)
from .fields import decode_json, decode_rows
from .transport import AWAY, Answer, Limits, Transport, errors_by_cause, read_answer

_SMALL: Final = 256 * 1024
"""Bytes that are looked through on the event loop."""


class Api:
    """Asks one Frigate, logged in if there is a login.

    Every method raises only `FrigateError`.
    """

    def __init__(
        self, transport: Transport, base: URL, auth: Auth, *, limits: Limits
    ) -> None:
        """Put the three together; nothing is sent yet."""
        self._transport = transport
        self._base = base
        self._auth = auth
        self._limits = limits
        self._refused_live: str | None = None
        """A token that is good for all but the live film: a new one changes nothing."""
        self.losses = 0
        """How often Frigate was not to be reached; it may come back changed."""

    async def ask(
        self, *segments: str, params: Mapping[str, str] | None = None
    ) -> Answer:
        """Return the whole answer to `GET /api/…`, of any status but 401."""
        try:
            response = await self._open(*segments, params=params, small=True)
            async with response:
                answer = await read_answer(response, limit=self._limits.json_bytes)
        except FrigateUnreachable:
            self.losses += 1
            raise
        if answer.status in AWAY:
            self.losses += 1
        return answer

    async def json(
        self, *segments: str, params: Mapping[str, str] | None = None
    ) -> object:
        """Return the JSON that `GET /api/…` answers."""
        return json_of(await self.ask(*segments, params=params), segments[-1])

    async def rows[T](
        self,
        parse: Callable[[object], T],
        *segments: str,
        params: Mapping[str, str],
    ) -> list[T]:
        """Return the parsed rows of the JSON list that `GET /api/…` answers.

        `parse` raises nothing; of a large answer it is called in a thread.
        """
        answer = await self.ask(*segments, params=params)
        name = segments[-1]
        if answer.status != HTTPStatus.OK or not answer.body.lstrip().startswith(b"["):
            json_of(answer, name)
            raise FrigateServerError(f"/api/{name} answers no list")

        def work() -> list[T]:
            return [
                parse(row)
                for row in decode_rows(answer.body, limit=self._limits.json_bytes)
            ]

        try:
            return await apart(len(answer.body), work)
        except MalformedMessage as err:
            raise NotFrigate(f"/api/{name} answers {err}") from err

    async def open_media(self, *segments: str) -> aiohttp.ClientResponse:
        """Begin to fetch a file, of any status but 401. The caller closes it.

        Raises `MediaBroken` when connecting works but no answer begins: it is
        this file that Frigate hangs on.
        """
        try:
            return await self._open(*segments, params=None, small=False)
        except FrigateTimeout as err:
            if isinstance(err.__cause__, aiohttp.SocketTimeoutError):
                raise MediaBroken("Frigate hangs over a file") from err
            self.losses += 1
            raise
        except FrigateUnreachable:
            self.losses += 1
            raise

    async def open_live(self, stream: str) -> aiohttp.ClientWebSocketResponse:
        """Open the WebSocket at which go2rtc gives the film of a stream.

        A refusal is `aiohttp.WSServerHandshakeError`. The caller closes it. A 401 leads to
        one more try with another token. That this door stays shut says nothing of the
        login, which all other requests share.
        """
        url = live_url(self._base, stream)

        async def connect(token: str | None) -> aiohttp.ClientWebSocketResponse:
            with errors_by_cause(but=aiohttp.WSServerHandshakeError):
                return await self._transport.open_socket(url, headers=bearer(token))

        token = await self._auth.token()
        try:
            return await connect(token)
        except aiohttp.WSServerHandshakeError as err:
            is_login = err.status == HTTPStatus.UNAUTHORIZED
            if not is_login or token is None or token == self._refused_live:
                raise
        token = await self._auth.renew(token)
        try:
            return await connect(token)
        except aiohttp.WSServerHandshakeError as err:
            if err.status == HTTPStatus.UNAUTHORIZED:
                self._refused_live = token
            raise

    async def _open(
        self, *segments: str, params: Mapping[str, str] | None, small: bool
    ) -> aiohttp.ClientResponse:
        """Begin a request; a 401 leads to one more try with another token."""
        url = api_url(self._base, *segments)

        async def send(token: str | None) -> aiohttp.ClientResponse:
            return await self._transport.open(
                "GET",
                url,
                params=params,
                headers=bearer(token),
                small=small,
            )

        token = await self._auth.token()
        response = await send(token)
        if response.status == HTTPStatus.UNAUTHORIZED:
            response.close()
            response = await send(await self._auth.renew(token))
            if response.status == HTTPStatus.UNAUTHORIZED:
                response.close()
                raise self._auth.reject()
        return response


def bearer(token: str | None) -> dict[str, str]:
    """Return the headers of a login."""
    return {"Authorization": f"Bearer {token}"} if token else {}


async def apart[T](size: int, work: Callable[[], T]) -> T:
    """Return what `work` on so many bytes gives; it has a thread if they are many."""
    return work() if size <= _SMALL else await asyncio.to_thread(work)


def json_of(answer: Answer, name: str) -> object:
    """Return the JSON in the answer to `name`, if it is a good one."""
    if answer.status != HTTPStatus.OK:
        raise answer.error(f"/api/{name}")
    try:
        # Its size was limited when it was read.
        return decode_json(answer.body, limit=len(answer.body))
    except MalformedMessage as err:
        raise NotFrigate(f"/api/{name} answers {err}") from err
