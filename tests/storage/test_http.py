"""What kinds over HTTP share: addresses, errors by cause, and bodies that are watched."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime
import hashlib
import os
from pathlib import Path
import ssl
from types import SimpleNamespace
from typing import Any, override

import aiohttp
from aiohttp import web
import pytest

from custom_components.frigate_snap_sync.storage.errors import (
    CertificateRefused,
    ConnectTimeout,
    Rejected,
    SourceDamaged,
    StorageError,
    Unreachable,
)
from custom_components.frigate_snap_sync.storage.http.address import (
    InvalidUrl,
    parse_url,
    server_of,
    where,
)
from custom_components.frigate_snap_sync.storage.http.body import PIECE, sending
from custom_components.frigate_snap_sync.storage.http.errors import (
    connection_error,
    retry_after,
)
from custom_components.frigate_snap_sync.storage.http.limits import (
    HttpLimits,
    no_timeouts,
)
from custom_components.frigate_snap_sync.storage.http.requests import LEAST, Requests
from custom_components.frigate_snap_sync.storage.source import FileSource, open_source

from ..harness.processes import free_port
from ..waiting import promptly, until
from .conftest import MakeSource

HOST = "127.0.0.1"
MIB = 1024 * 1024


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (" https://Nas.example/dav/ ", "https://nas.example/dav"),
        ("http://nas:8080", "http://nas:8080"),
        ("http://nas:8080///", "http://nas:8080"),
        ("https://nas/a%2fb/?q=1#here", "https://nas/a%2Fb"),
        ("https://nas/Küche", "https://nas/K%C3%BCche"),
        ("https://[::1]:5006/x", "https://[::1]:5006/x"),
        ("https://nas/..x/y", "https://nas/..x/y"),
        ("ftp://nas/dav", None),
        ("nas/dav", None),
        ("//nas/dav", None),
        ("https://", None),
        ("https://nas:99999/", None),
        ("https://nas/a b", None),
        ("https://nas/\0", None),
        ("https://user:secret@nas/dav", None),
        ("https://user@nas/dav", None),
        ("https://nas/a/../b", None),
        ("https://nas/a/%2e%2E/b", None),
        ("https://nas/" + "x" * 2000, None),
        ("", None),
    ],
)
def test_addresses(typed: str, expected: str | None) -> None:
    """An address, and no more; what is none says so without repeating a secret."""
    if expected is None:
        with pytest.raises(InvalidUrl) as refused:
            parse_url(typed)
        assert "secret" not in str(refused.value)
    else:
        assert str(parse_url(typed)) == expected


def test_servers() -> None:
    """A password is typed for one server: scheme, host and port."""
    one = parse_url("https://nas/a")
    assert server_of(one) == server_of(parse_url("https://NAS:443/b"))
    for other in ("http://nas:443/a", "https://nas:444/a", "https://nas2/a"):
        assert server_of(one) != server_of(parse_url(other))
    assert where(one) == "nas:443"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("120", 120),
        (" 0 ", 0),
        ("-5", None),
        ("9" * 12, None),
        ("soon", None),
        ("Wed, 01 Jan 2025 00:02:00 GMT", 120),
        ("Tue, 31 Dec 2024 00:00:00 GMT", 0),
    ],
)
def test_retry_after(header: str | None, expected: float | None) -> None:
    """Seconds, or a date; anything else is no time."""
    now = datetime(2025, 1, 1, tzinfo=UTC)
    assert retry_after(header, now=now) == expected


def test_texts_of_tls() -> None:
    """A server without TLS is another error than a bad certificate."""
    plain = ssl.SSLError()
    plain.reason = "WRONG_VERSION_NUMBER"
    assert "http://" in str(connection_error(plain, "nas:80"))
    assert isinstance(connection_error(plain, "nas:80"), CertificateRefused)


type Answer = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def served(answer: Answer) -> AsyncGenerator[str]:
    """Yield the address of a server that answers so."""
    runner = web.ServerRunner(
        web.Server(answer, handler_cancellation=True), shutdown_timeout=0.1
    )
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, HOST, port).start()
    try:
        yield f"http://{HOST}:{port}/"
    finally:
        await runner.cleanup()


@pytest.fixture
async def requests() -> AsyncGenerator[Requests]:
    """Requests with sessions that share a connector, as Home Assistant's do."""
    connector = aiohttp.TCPConnector()
    requests = Requests(
        lambda: aiohttp.ClientSession(connector=connector, connector_owner=False),
        where="nas:80",
    )
    yield requests
    requests.close()
    await connector.close()


async def send(
    requests: Requests, url: str, source: FileSource, limits: HttpLimits | None = None
) -> int:
    """Put a file; return the status."""
    limits = limits or HttpLimits()
    async with (
        open_source(source) as opened,
        sending(requests, opened, limits) as body,
        requests.session.put(
            url,
            data=await body.data(),
            headers={"Content-Length": str(opened.size)},
            timeout=no_timeouts(limits),
        ) as response,
    ):
        await response.read()
        return response.status


class Taker:
    """Keeps what it is sent."""

    def __init__(self) -> None:
        """Have nothing."""
        self.taken: list[bytes] = []
        self.begun = 0
        self.broken = 0

    async def __call__(self, request: web.BaseRequest) -> web.Response:
        """Take one body."""
        self.begun += 1
        taken = bytearray()
        try:
            async for piece in request.content.iter_any():
                taken += piece
        except ConnectionError, aiohttp.ClientPayloadError, asyncio.CancelledError:
            self.broken += 1
            raise
        self.taken.append(bytes(taken))
        return web.Response(status=201)


@pytest.mark.parametrize("size", [0, 1, PIECE, PIECE + 1, MIB, 5 * MIB + 3], ids=str)
async def test_a_body(requests: Requests, make_source: MakeSource, size: int) -> None:
    """Arrives as it is, in pieces of bounded size."""
    source, taker = make_source(size), Taker()
    async with served(taker) as url:
        assert await send(requests, url, source) == 201
    assert taker.taken == [source.read_bytes()]
    async with (
        open_source(source) as opened,
        sending(requests, opened, HttpLimits()) as body,
        aclosing(body.pieces()) as pieces,
    ):
        assert {len(piece) <= PIECE async for piece in pieces} <= {True}


@pytest.mark.parametrize("size", [1000, 3 * MIB], ids=str)
async def test_a_damaged_source_is_never_whole(
    requests: Requests, make_source: MakeSource, size: int
) -> None:
    """Nor is one that has another size than it should: the server sees it break."""
    made, taker = make_source(size), Taker()
    wrong = FileSource(made.path, size=size, sha256=hashlib.sha256(b"x").hexdigest())
    async with served(taker) as url:
        with pytest.raises(SourceDamaged):
            await send(requests, url, wrong)
        await until(lambda: taker.broken == taker.begun)
    assert taker.taken == []


class Claims(FileSource):
    """Says that it has another size than it has."""

    local_path = None  # type: ignore[assignment]

    def __init__(self, path: Path, claimed: int) -> None:
        """Open the whole file."""
        super().__init__(path, size=path.stat().st_size)
        self.claimed = claimed

    @property
    @override
    def size(self) -> int:
        """Return what it claims."""
        return self.claimed

    @override
    async def open(self) -> AsyncGenerator[bytes]:
        """Yield the file."""
        yield await asyncio.to_thread(self._path.read_bytes)


@pytest.mark.parametrize("by", [-1, 1])
@pytest.mark.parametrize("size", [1000, MIB], ids=str)
async def test_a_source_of_another_size(
    requests: Requests, make_source: MakeSource, size: int, by: int
) -> None:
    """Is refused, and the server gets no whole body."""
    taker = Taker()
    source = Claims(make_source(size).path, size + by)
    async with served(taker) as url:
        with pytest.raises(Rejected):
            await send(requests, url, source)
    assert taker.taken == []


async def test_a_server_that_stops_reading(
    requests: Requests, make_source: MakeSource
) -> None:
    """Ends the upload after the idle time, although aiohttp would wait for ever."""

    async def stop(request: web.BaseRequest) -> web.Response:
        await asyncio.sleep(600)
        return web.Response()

    limits = HttpLimits(connect=5, idle=0.3, finish=600)
    async with served(stop) as url, promptly(20):
        with pytest.raises(ConnectTimeout):
            await send(requests, url, make_source(64 * MIB), limits)


async def test_a_server_that_never_answers(
    requests: Requests, make_source: MakeSource
) -> None:
    """It took all of it: then only its answer is waited for."""

    async def swallow(request: web.BaseRequest) -> web.Response:
        await request.read()
        await asyncio.sleep(600)
        return web.Response()

    limits = HttpLimits(connect=5, idle=60, finish=0.3)
    async with served(swallow) as url, promptly(30):
        with pytest.raises(ConnectTimeout):
            await send(requests, url, make_source(MIB), limits)


async def test_a_slow_source_is_no_slow_server(
    requests: Requests, make_source: MakeSource
) -> None:
    """Waiting for the next piece does not count as waiting for the server."""

    class Slow(Claims):
        @override
        async def open(self) -> AsyncGenerator[bytes]:
            content = await asyncio.to_thread(self._path.read_bytes)
            for start in range(0, len(content), MIB):
                await asyncio.sleep(0.4)
                yield content[start : start + MIB]

    taker, made = Taker(), make_source(3 * MIB)
    limits = HttpLimits(connect=0.1, idle=0.2)
    async with served(taker) as url:
        assert await send(requests, url, Slow(made.path, 3 * MIB), limits) == 201
    assert taker.taken == [made.read_bytes()]


async def read_all(
    requests: Requests, url: str, *, size: int = LEAST, pause: float = 0
) -> bytes:
    """Return a body, each piece of which must come in a second, read with pauses."""
    body = bytearray()
    async with (
        requests.session.get(url) as response,
        requests.kept(response),
        aclosing(requests.pieces(response, size, idle=1)) as pieces,
    ):
        async for piece in pieces:
            body += piece
            await asyncio.sleep(pause)
    return bytes(body)


def dripping(piece: int, pause: float) -> Answer:
    """Return what sends sixteen pieces of so many bytes, with pauses."""

    async def drip(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(16):
            await response.write(bytes(piece))
            await asyncio.sleep(pause)
        return response

    return drip


async def test_a_body_that_drips(requests: Requests) -> None:
    """A byte now and then is not enough, though each is in time."""
    async with served(dripping(1, 0.1)) as url, promptly():
        with pytest.raises(ConnectTimeout):
            await read_all(requests, url)


async def test_a_slow_body(requests: Requests) -> None:
    """Enough in the time is enough, and so is the end."""
    async with served(dripping(LEAST, 0.1)) as url, promptly():
        assert len(await read_all(requests, url)) == 16 * LEAST


async def test_a_slow_reader(requests: Requests) -> None:
    """A body is not given up for what its reader takes: a film may be paused."""
    async with served(dripping(100, 0.1)) as url, promptly():
        assert len(await read_all(requests, url, pause=0.09)) == 1600


async def test_closing_ends_what_is_running(
    requests: Requests, make_source: MakeSource
) -> None:
    """At once, with the cause; afterwards requests work again."""
    reached = asyncio.Event()

    async def stop(request: web.BaseRequest) -> web.Response:
        if reached.is_set():
            return web.Response(status=204)
        reached.set()
        await asyncio.sleep(600)
        return web.Response()

    async with served(stop) as url:
        task = asyncio.create_task(send(requests, url, make_source(64 * MIB)))
        await reached.wait()
        requests.close()
        async with promptly(5):
            with pytest.raises(Unreachable, match="closed meanwhile"):
                await task
        assert await send(requests, url, make_source(10)) == 204


async def test_a_cancelled_upload_ends_at_once(
    requests: Requests, make_source: MakeSource
) -> None:
    """Within a second, whatever the server does."""
    reached = asyncio.Event()

    async def stop(request: web.BaseRequest) -> web.Response:
        reached.set()
        await asyncio.sleep(600)
        return web.Response()

    async with served(stop) as url:
        task = asyncio.create_task(send(requests, url, make_source(64 * MIB)))
        await reached.wait()
        task.cancel()
        async with promptly(1):
            await asyncio.gather(task, return_exceptions=True)
        assert task.cancelled()


async def test_no_server(requests: Requests, make_source: MakeSource) -> None:
    """Causes of a connection that can't be made."""
    source = make_source(10)
    with pytest.raises(Unreachable, match="Connection refused"):
        await send(requests, f"http://{HOST}:{free_port()}/", source)
    with pytest.raises(CertificateRefused):
        async with served(Taker()) as url:
            await send(requests, url.replace("http", "https"), source)


async def test_another_error_in_between_stays(requests: Requests) -> None:
    """What is no failure of the connection is not turned into one."""
    with pytest.raises(KeyError):
        async with requests.watched(5):
            raise KeyError
    with pytest.raises(Rejected):
        async with requests.watched(5):
            raise Rejected("x")


def test_errors_name_no_address() -> None:
    """The texts are our own: those of aiohttp hold the whole URL."""
    key: Any = SimpleNamespace(host="nas", port=80, ssl=True, is_ssl=True)
    secret = "/secret/path"
    for err in (
        aiohttp.ServerDisconnectedError(secret),
        aiohttp.ClientOSError(os.EX_OK, secret),
        aiohttp.ClientPayloadError(secret),
        aiohttp.ClientConnectorError(key, OSError(111, secret)),
        aiohttp.ClientConnectorDNSError(key, OSError(-2, secret)),
        aiohttp.ClientConnectionError(secret),
        ConnectionResetError(104, secret),
        TimeoutError(secret),
    ):
        error = connection_error(err, "nas:80")
        assert isinstance(error, StorageError)
        assert "secret" not in str(error)
        assert "nas:80" in str(error)


async def test_a_session_lasts_as_long_as_its_requests() -> None:
    """One that is retried when the destination closes still needs its connections."""
    connector = aiohttp.TCPConnector()
    made = []

    def open_session() -> aiohttp.ClientSession:
        made.append(aiohttp.ClientSession(connector=connector, connector_owner=False))
        return made[-1]

    requests = Requests(open_session, where="nas")

    async def ask() -> None:
        session = requests.session
        async with promptly(), requests.watched(60):
            requests.close()
            assert session.connector is connector
            await asyncio.sleep(60)

    with pytest.raises(Unreachable, match="closed meanwhile"):
        await ask()
    (session,) = made
    assert session.connector is None
    await connector.close()
