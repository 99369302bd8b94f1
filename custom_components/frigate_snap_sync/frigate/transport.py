"""HTTP exchanges with one server: limits, timeouts, and errors by cause."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
import json
import os
import re
import ssl
import time
from typing import Any, Final

import aiohttp
from yarl import URL

from .clock import ClockOffset
from .errors import (
    FrigateError,
    FrigateForbidden,
    FrigateServerError,
    FrigateTimeout,
    FrigateTlsError,
    FrigateUnreachable,
    NotFrigate,
)

_READ_BUFFER: Final = 512 * 1024
_CHUNK: Final = 1024 * 1024
_EXPLANATION: Final = 4096
"""Bytes read of an answer that is a failure."""
_MAX_MESSAGE: Final = 200
_CLOSE_TIMEOUT: Final = 1.0
"""Seconds that a server has to answer when a WebSocket is closed."""

_OWN_WORDS: Final = frozenset({"application/json", "text/html"})
"""What Frigate answers in: JSON, 0.14 also in plain words that it calls HTML."""

_OF_OTHERS: Final = re.compile(
    r"^not found\.?$|\b(404|page|route|backend|service|url)\b", re.IGNORECASE
)
"""What servers and proxies say of a route, and never Frigate of an item: Traefik's
`404 page not found` comes while the container of Frigate starts."""

AWAY: Final = frozenset(
    {
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)
"""What nginx answers, in Frigate's container or before it, without Frigate."""

_HEADERS: Final = {
    # nginx in Frigate keeps JSON answers for 5 s
    "X-Cache-Bypass": "1",
    # What is counted against a limit is what comes over the wire
    "Accept-Encoding": "identity",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits in seconds: to connect, between two reads, for a whole small answer.

    And for a whole snapshot, and a whole clip: `clip` and for each of its seconds
    `clip_second`. A 4K camera's half hour passes at 5 Mbit/s. And the most bytes
    that are read of an answer in JSON, of a picture, and of a fragment of live film.
    That may take `film` seconds to begin; `silence` later than a picture there must
    be another one.
    """

    connect: float = 10
    idle: float = 60
    total: float = 30
    snapshot: float = 120
    clip: float = 600
    clip_second: float = 3
    json_bytes: int = 16 * 1024 * 1024
    image_bytes: int = 16 * 1024 * 1024
    film: float = 15
    silence: float = 3
    fragment_bytes: int = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A whole answer of bounded size."""

    status: int
    content_type: str
    body: bytes = field(repr=False)
    date: str | None = None
    location: URL | None = field(default=None, repr=False)
    cookies: tuple[str, ...] = field(default=(), repr=False)

    @property
    def is_page(self) -> bool:
        """Return whether it is a web page, which Frigate's API never answers."""
        return self.content_type == "text/html" and self.body.lstrip()[:1] == b"<"

    @property
    def message(self) -> str:
        """Return what Frigate says about a failure, "" if nothing readable.

        Only short words meant for people: an error may also repeat the request,
        and with it a password.
        """
        document: Any = None
        if self.content_type == "application/json":
            with suppress(ValueError, RecursionError):
                document = json.loads(self.body)
            if isinstance(document, dict):
                document = document.get("message", document.get("detail"))
        elif not self.is_page and len(self.body) <= _MAX_MESSAGE:
            # Frigate 0.14
            document = self.body.decode(errors="replace").strip()
        if not isinstance(document, str) or not document.isprintable():
            return ""
        return document[:_MAX_MESSAGE]

    @property
    def is_missing_item(self) -> bool:
        """Return whether Frigate itself says that it has no such item.

        A 404 of a web server in between, or for a route that does not exist,
        says nothing about the item.
        """
        return (
            self.status == HTTPStatus.NOT_FOUND
            and self.content_type in _OWN_WORDS
            and bool(self.message)
            and _OF_OTHERS.search(self.message) is None
        )

    def error(self, what: str) -> FrigateError:
        """Return the error for a status that is not 200; `what` was asked for."""
        status = self.status
        if 300 <= status < 400:
            to = _server_of(self.location)
            return NotFrigate(
                f"{what}: redirected{f' to {to}' if to else ''}",
                hint="leads_to" if to else "redirected",
                about=to,
            )
        if status == HTTPStatus.BAD_REQUEST and b"HTTPS port" in self.body:
            return FrigateTlsError(
                f"{what}: this port wants https://", hint="wants_tls"
            )
        words = f": {self.message}" if self.message else ""
        text, said = f"{what}: HTTP status {status}{words}", f"HTTP {status}{words}"
        match status:
            case HTTPStatus.FORBIDDEN:
                return FrigateForbidden(text, said=said)
            case HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
                return FrigateUnreachable(
                    f"{what}: the proxy wants a login", hint="proxy_wants_login"
                )
            case HTTPStatus.GATEWAY_TIMEOUT:
                return FrigateTimeout(text, said=said)
            case _ if status in AWAY:
                return FrigateUnreachable(text, said=said)
            case HTTPStatus.NOT_FOUND if self.is_page:
                return NotFrigate(f"{what}: no such page")
        return FrigateServerError(text, status=status, said=said)


def _server_of(location: URL | None) -> str:
    """Name the server of a redirection, without what may be private in it."""
    if location is None or not location.host:
        return ""
    return f"{location.scheme}://{location.host}:{location.port}"


class Transport:
    """Sends requests on a session that belongs to the caller.

    Redirections are not followed: they would carry the login elsewhere.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        verify_ssl: bool,
        proxy: URL | None,
        limits: Limits,
    ) -> None:
        """Keep the settings for every request."""
        self.clock = ClockOffset()
        self._session = session
        self._ssl = verify_ssl
        self._proxy = proxy
        self._limits = limits

    async def ask(self, method: str, url: URL, *, json: object = None) -> Answer:
        """Return the answer to a request, of which only some kilobytes matter.

        Every status is returned as it is. Raises the `FrigateError` for no or a
        broken answer, and `FrigateServerError` for one that is too large.
        """
        response = await self.open(method, url, json=json, small=True)
        async with response:
            return await read_answer(response, limit=_EXPLANATION)

    async def open(
        self,
        method: str,
        url: URL,
        *,
        params: Mapping[str, str] | None = None,
        json: object = None,
        headers: Mapping[str, str] | None = None,
        small: bool,
    ) -> aiohttp.ClientResponse:
        """Return the begun answer to a request, its body still to be read.

        A `small` answer is limited in time as a whole, others only in
        connecting and in each single read. The caller closes it (`async with`).
        """
        if self._session.closed:
            raise FrigateUnreachable("The HTTP session is closed")
        sent = time.monotonic()
        with errors_by_cause():
            response = await self._session.request(
                method,
                url,
                params=params,
                json=json,
                headers={**_HEADERS, **(headers or {})},
                allow_redirects=False,
                ssl=self._ssl,
                proxy=self._proxy,
                timeout=aiohttp.ClientTimeout(
                    total=self._limits.total if small else None,
                    sock_connect=self._limits.connect,
                    sock_read=None if small else self._limits.idle,
                ),
                read_bufsize=_READ_BUFFER,
            )
        if "Age" not in response.headers:
            self.clock.add(response.headers.get("Date"), sent=sent)
        return response

    async def open_socket(
        self, url: URL, *, headers: Mapping[str, str]
    ) -> aiohttp.ClientWebSocketResponse:
        """Return an open WebSocket; the caller closes it (`close_socket`).

        A status that is not the right one is `aiohttp.WSServerHandshakeError`: it says
        which. aiohttp follows redirections here; to another server it takes no login.
        """
        if self._session.closed:
            raise FrigateUnreachable("The HTTP session is closed")
        async with asyncio.timeout(self._limits.connect + self._limits.total):
            return await self._session.ws_connect(
                url,
                headers=headers,
                ssl=self._ssl,
                proxy=self._proxy,
                timeout=aiohttp.ClientWSTimeout(ws_close=_CLOSE_TIMEOUT),
                max_msg_size=self._limits.fragment_bytes,
                compress=0,
            )


async def close_socket(socket: aiohttp.ClientWebSocketResponse) -> None:
    """Close a WebSocket, whatever the server still sends; never raises.

    aiohttp reads on until the server answers, which one that is busy sending may
    never do: then the connection is dropped.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(_CLOSE_TIMEOUT):
            await socket.close()


async def read_answer(response: aiohttp.ClientResponse, *, limit: int) -> Answer:
    """Read the body of `response` as `Transport.ask` does."""
    wanted = response.status == HTTPStatus.OK
    body = bytearray()
    async for piece in read_pieces(response):
        body += piece
        if wanted and len(body) > limit:
            raise FrigateServerError(f"Answer of more than {limit} bytes")
        if not wanted and len(body) >= _EXPLANATION:
            del body[_EXPLANATION:]
            break
    return Answer(
        status=response.status,
        content_type=response.content_type,
        body=bytes(body),
        date=response.headers.get("Date"),
        location=_location(response),
        cookies=tuple(morsel.value for morsel in response.cookies.values()),
    )


async def read_pieces(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """Yield the body in pieces as they come, of at most 1 MiB."""
    while True:
        with errors_by_cause():
            piece = await response.content.read(_CHUNK)
        if not piece:
            return
        yield piece


def _location(response: aiohttp.ClientResponse) -> URL | None:
    try:
        return response.url.join(URL(response.headers["Location"]))
    except KeyError, ValueError:
        return None


@contextmanager
def errors_by_cause(
    *, but: type[Exception] | tuple[type[Exception], ...] = ()
) -> Iterator[None]:
    """Turn what aiohttp raises into errors by cause, `but` these.

    The texts are our own: those of aiohttp hold whole addresses, the password
    of a proxy included.
    """
    try:
        yield
    except but:
        raise
    except TimeoutError as err:
        raise FrigateTimeout("No answer in time") from err
    except aiohttp.ClientProxyConnectionError as err:
        text = "The proxy can't be reached"
        raise _failure(FrigateUnreachable, text, err, "proxy_away") from err
    except aiohttp.ClientConnectorCertificateError as err:
        cause = err.certificate_error
        raise _failure(FrigateTlsError, "The certificate was refused", cause) from err
    except (aiohttp.ClientSSLError, ssl.SSLError) as err:
        raise _failure(FrigateTlsError, "No TLS connection", err, "tls_failed") from err
    except aiohttp.ClientConnectorDNSError as err:
        raise FrigateUnreachable(
            "The host's name is not known", hint="unknown_host"
        ) from err
    except aiohttp.ClientHttpProxyError as err:
        raise FrigateUnreachable(
            f"The proxy refused the connection: HTTP status {err.status}",
            hint="proxy_refused",
            said=f"HTTP {err.status}",
        ) from err
    except aiohttp.ClientResponseError as err:
        raise NotFrigate("The answer is no HTTP", hint="no_http") from err
    except aiohttp.ServerDisconnectedError as err:
        raise FrigateUnreachable(
            "The connection was closed without an answer", hint="no_answer"
        ) from err
    except aiohttp.ClientPayloadError as err:
        raise FrigateUnreachable(
            "The connection broke in the middle", hint="connection_broke"
        ) from err
    except (aiohttp.ClientError, OSError, UnicodeError) as err:
        raise _failure(FrigateUnreachable, "No connection", err) from err


def _failure[E: FrigateError](
    kind: type[E], text: str, err: BaseException, hint: str = ""
) -> E:
    """Return an error that repeats what the system says of another."""
    said = _why(err)
    return kind(f"{text}: {said}" if said else text, hint=hint, said=said)


def _why(err: BaseException) -> str:
    """Return the operating system's or TLS library's own words for an error."""
    cause = getattr(err, "os_error", err)
    is_network = not isinstance(cause, ssl.SSLError)
    number = getattr(cause, "errno", None)
    if is_network and isinstance(number, int) and number > 0:
        # Not its own text: asyncio puts the address there.
        return os.strerror(number)
    for name in ("verify_message", "reason", "strerror"):
        if isinstance(word := getattr(cause, name, None), str) and word:
            return word
    return ""
