"""Requests to a WebDAV server, logged in, and their answers."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Final

import aiohttp
from yarl import URL

from ..http.body import sending
from ..http.errors import legal_request
from ..http.limits import HttpLimits, no_timeouts
from ..http.requests import Requests
from ..source import OpenSource
from .answers import Answer
from .login import Challenge, Login

MAX_ANSWER: Final = 256 * 1024
"""Bytes that are read of an answer that is no file and no list."""

_TRIES: Final = 3
"""Of one request: without a login, with one, and with a new nonce."""

_HEADERS: Final = {
    # What arrives is what the server has, and what a range counts.
    "Accept-Encoding": "identity",
}


class LoginAsked(Exception):
    """A file was sent in vain: the server wants another answer to log in."""


class DavClient:
    """Sends requests; redirections are not followed, they would carry the login away."""

    def __init__(self, requests: Requests, login: Login, limits: HttpLimits) -> None:
        """Send nothing yet."""
        self.where = requests.where
        self.limits = limits
        self._requests = requests
        self._login = login

    async def ask(
        self,
        method: str,
        url: URL,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        seconds: float | None = None,
    ) -> Answer:
        """Return the answer to a small request; raises `StorageError` if there is none."""
        for attempt in range(1, _TRIES + 1):
            used = self._login.challenge
            async with (
                self._requests.watched(seconds or self.limits.request),
                self._sent(method, url, headers, body) as response,
            ):
                answer = await _read(response)
                if not self._asks_again(response, used) or attempt == _TRIES:
                    return answer
        raise AssertionError

    async def put(self, url: URL, source: OpenSource, *, hashes: bool) -> Answer:
        """Send a file; with `hashes` the server may say what has arrived.

        Raises `LoginAsked` when it has to be sent once more, besides `StorageError`
        and what reading the source raises.
        """
        headers = {
            "Content-Length": str(source.size),
            "Content-Type": "application/octet-stream",
            **({"X-Hash": "sha256"} if hashes else {}),
        }
        used = self._login.challenge
        async with sending(self._requests, source, self.limits) as body:
            data = await body.data()
            async with self._sent("PUT", url, headers, data) as response:
                answer = await _read(response)
                if self._asks_again(response, used):
                    raise LoginAsked
        return answer

    @asynccontextmanager
    async def opened(
        self,
        method: str,
        url: URL,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> AsyncGenerator[aiohttp.ClientResponse]:
        """Yield an answer whose body is still to be read, by `pieces`."""
        for attempt in range(1, _TRIES + 1):
            used = self._login.challenge
            async with self._requests.watched(self.limits.request):
                response = await self._request(method, url, headers, body)
            async with self._requests.kept(response):
                if self._asks_again(response, used) and attempt < _TRIES:
                    continue
                yield response
                return

    def pieces(
        self, response: aiohttp.ClientResponse, size: int
    ) -> AsyncGenerator[bytes]:
        """Yield the body as it comes, in pieces of at most `size` bytes."""
        return self._requests.pieces(response, size, idle=self.limits.idle)

    @asynccontextmanager
    async def _sent(
        self,
        method: str,
        url: URL,
        headers: Mapping[str, str] | None,
        data: bytes | AsyncGenerator[bytes] | None,
    ) -> AsyncGenerator[aiohttp.ClientResponse]:
        response = await self._request(method, url, headers, data)
        async with self._requests.kept(response):
            yield response

    async def _request(
        self,
        method: str,
        url: URL,
        headers: Mapping[str, str] | None,
        data: bytes | AsyncGenerator[bytes] | None,
    ) -> aiohttp.ClientResponse:
        sent = {**_HEADERS, **(headers or {})}
        if (authorization := self._login.header(method, url.raw_path_qs)) is not None:
            sent["Authorization"] = authorization
        with legal_request(self.where):
            return await self._requests.session.request(
                method,
                url,
                headers=sent,
                data=data,
                allow_redirects=False,
                timeout=no_timeouts(self.limits),
            )

    def _asks_again(
        self, response: aiohttp.ClientResponse, used: Challenge | None
    ) -> bool:
        if response.status != HTTPStatus.UNAUTHORIZED:
            self._login.succeed(used)
            return False
        return self._login.refused(
            response.headers.getall("WWW-Authenticate", []), used
        )


async def _read(response: aiohttp.ClientResponse) -> Answer:
    body = bytearray()
    while len(body) < MAX_ANSWER:
        if not (piece := await response.content.read(MAX_ANSWER - len(body))):
            break
        body += piece
    return answer_of(response, bytes(body))


def answer_of(response: aiohttp.ClientResponse, body: bytes = b"") -> Answer:
    """Return an answer with what was read of its body."""
    return Answer(
        status=response.status,
        headers=response.headers,
        body=body,
        url=response.url,
    )
