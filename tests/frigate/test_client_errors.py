"""What goes wrong on the way to Frigate, and that each cause has its error."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
import contextlib
from contextlib import asynccontextmanager
from dataclasses import replace
import os
from pathlib import Path
import socket
import ssl
import sys
import time
from typing import Any, override

import aiohttp
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
import pytest

from custom_components.frigate_snap_sync.frigate.client import FrigateClient, Limits
from custom_components.frigate_snap_sync.frigate.errors import (
    FrigateAuthFailed,
    FrigateError,
    FrigateForbidden,
    FrigateServerError,
    FrigateTimeout,
    FrigateTlsError,
    FrigateUnreachable,
    InvalidProxy,
    InvalidUrl,
    MediaBroken,
    MediaNotReady,
    NotFrigate,
)
from custom_components.frigate_snap_sync.frigate.transport import errors_by_cause
from custom_components.frigate_snap_sync.frigate.version import FrigateVersion

from ..harness.processes import free_port
from ..waiting import LONG, promptly
from .conftest import PATIENT, MakeClient
from .recorded import VERSIONS, Reply, media, reply
from .server import FakeServer, Handler, abort, as_bytes, as_json, page, respond

CLIP = "/api/front_door/start/10/end/20/clip.mp4"
SNAPSHOT = "/api/events/id/snapshot.jpg"


async def drop(piece: bytes) -> None:
    """Throw away a piece of a clip."""


async def ask_clip(client: FrigateClient) -> int:
    """Ask for a clip."""
    return await client.clip("front_door", start=10, end=20, write=drop)


@asynccontextmanager
async def raw_server(
    answer: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncGenerator[str]:
    """Run a server that speaks bytes, and yield its `host:port`."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await answer(reader, writer)
        except ConnectionError, asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield "{}:{}".format(*server.sockets[0].getsockname())
    finally:
        server.close()
        server.close_clients()
        await server.wait_closed()


# Bad addresses


def test_bad_url(session: aiohttp.ClientSession) -> None:
    """Told when the client is made."""
    with pytest.raises(InvalidUrl):
        FrigateClient(session, "frigate:5000")
    with pytest.raises(InvalidProxy):
        FrigateClient(session, "http://frigate:5000", proxy="proxy:3128")


# Nobody there


async def test_nobody_listens(make_client: MakeClient) -> None:
    """Refused at once."""
    client = make_client(f"http://127.0.0.1:{free_port()}")

    with pytest.raises(FrigateUnreachable, match="No connection"):
        await client.version()
    with pytest.raises(FrigateUnreachable):
        await client.snapshot("id")
    with pytest.raises(FrigateUnreachable):
        await ask_clip(client)


class Unknown(AbstractResolver):
    """Knows no name."""

    @override
    async def resolve(self, *_: object, **__: object) -> list[ResolveResult]:
        raise OSError(-2, "Name or service not known")

    @override
    async def close(self) -> None:
        """Nothing is open."""


async def test_unknown_host(socket_enabled: None) -> None:
    """A name that no resolver knows."""
    connector = aiohttp.TCPConnector(resolver=Unknown())
    async with aiohttp.ClientSession(connector=connector) as session:
        client = FrigateClient(session, "http://frigate.invalid:5000", limits=PATIENT)
        with pytest.raises(FrigateUnreachable, match="name is not known"):
            await client.version()


async def test_host_that_drops_packets(session: aiohttp.ClientSession) -> None:
    """Connecting has a limit of its own."""
    with contextlib.ExitStack() as stack:
        # What listens and accepts no connection drops the packets of all but the first.
        full = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        address = full.getsockname()
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(address)
        client = FrigateClient(
            session,
            f"http://127.0.0.1:{address[1]}",
            limits=Limits(connect=0.1, idle=2 * LONG, total=2 * LONG),
        )
        async with promptly():
            with pytest.raises(FrigateTimeout, match="No answer in time"):
                await client.version()
            with pytest.raises(FrigateTimeout):
                await client.snapshot("id")


async def test_closed_session() -> None:
    """As after the end of Home Assistant."""
    session = aiohttp.ClientSession()
    client = FrigateClient(session, "http://127.0.0.1:9")
    await session.close()

    with pytest.raises(FrigateUnreachable, match="session is closed"):
        await client.version()


async def test_connection_closed_without_an_answer(
    server: FakeServer, client: FrigateClient
) -> None:
    """As when Frigate is being restarted."""
    server.fallback = abort

    with pytest.raises(FrigateUnreachable, match="without an answer"):
        await client.version()


# Not in time


async def hang(request: web.Request) -> None:
    """Say nothing until the other side gives up."""
    while request.transport is not None and not request.transport.is_closing():
        await asyncio.sleep(0.02)


async def hang_silently(request: web.Request) -> web.StreamResponse:
    """Do not even begin to answer."""
    await hang(request)
    return web.Response()


def begin(content_type: str, data: bytes, **headers: str) -> Handler:
    """Return a handler that sends some data, and then nothing more."""

    async def handle(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": content_type, **headers})
        await response.prepare(request)
        await response.write(data)
        await hang(request)
        return response

    return handle


async def test_answer_that_does_not_come(
    server: FakeServer, impatient: FrigateClient
) -> None:
    """Before the first byte, or in the middle."""
    for answer in (hang_silently, begin("application/json", b'{"mqtt": ')):
        server.fallback = answer
        async with promptly():
            with pytest.raises(FrigateTimeout, match="No answer in time"):
                await impatient.config()


async def test_answer_that_trickles(
    server: FakeServer, make_client: MakeClient
) -> None:
    """A small answer has a limit as a whole."""

    async def trickle(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await drip(request, response, b" ")
        return response

    server.fallback = trickle
    client = make_client(server.url, limits=Limits(idle=2 * LONG, total=0.6))
    async with promptly():
        with pytest.raises(FrigateTimeout):
            await client.config()


@pytest.mark.parametrize(
    "answer",
    [hang_silently, begin("video/mp4", b"film"), begin("video/mp4", b"")],
    ids=["silent", "in the middle", "before the first byte"],
)
async def test_clip_that_hangs(
    server: FakeServer,
    client: FrigateClient,
    impatient: FrigateClient,
    answer: Handler,
) -> None:
    """It is this file that hangs, not Frigate (0.15 and later: fact of life)."""
    server.record("0.17.2", "version")
    server.answer(CLIP, answer)
    await client.version()

    async with promptly():
        with pytest.raises(MediaBroken, match="hangs|in time"):
            await ask_clip(impatient)
    await client.version()


async def drip(
    request: web.Request,
    response: web.StreamResponse,
    piece: bytes,
    *,
    pause: float = 0.05,
    count: int = sys.maxsize,
) -> None:
    """Send a piece again and again, with pauses, until the other side gives up."""
    for _ in range(count):
        if request.transport is None or request.transport.is_closing():
            break
        with contextlib.suppress(ConnectionError):
            await response.write(piece)
        await asyncio.sleep(pause)


def dripping(piece: bytes, **how: Any) -> Handler:
    """Return a handler that drips a film."""

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "video/mp4"})
        await response.prepare(request)
        await drip(request, response, piece, **how)
        return response

    return handler


async def test_clip_that_is_slow(server: FakeServer, make_client: MakeClient) -> None:
    """As long as something comes it is waited for, longer than for silence."""
    idle = 2.0
    client = make_client(server.url, limits=Limits(idle=idle, total=idle))
    server.record("0.17.2", "version")
    server.answer(CLIP, dripping(b"film", count=8, pause=0.4))

    began = time.monotonic()
    assert await ask_clip(client) == 32
    assert time.monotonic() - began > idle


async def test_media_that_trickle(server: FakeServer, make_client: MakeClient) -> None:
    """There is an end to it; a clip has longer the longer it is."""
    client = make_client(
        server.url,
        limits=Limits(idle=2 * LONG, snapshot=0.2, clip=0.1, clip_second=0.02),
    )
    server.record("0.17.2", "version")
    server.answer(CLIP, dripping(b"f"))
    server.answer(SNAPSHOT, dripping(b"f"))

    async with promptly():
        started = time.monotonic()
        with pytest.raises(MediaBroken, match="A clip: not whole after 0 s"):
            await ask_clip(client)
        assert time.monotonic() - started >= 0.3
        with pytest.raises(MediaBroken, match="A snapshot: not whole after 0 s"):
            await client.snapshot("id")


async def test_a_writer_s_timeout_is_not_frigate_s(
    server: FakeServer, client: FrigateClient
) -> None:
    """What `write` raises comes through."""
    server.record("0.17.2", "version")
    server.answer(CLIP, as_bytes(b"film", "video/mp4"))

    async def write(piece: bytes) -> None:
        raise TimeoutError("the share")

    with pytest.raises(TimeoutError, match="the share"):
        await client.clip("front_door", start=10, end=20, write=write)


async def test_clip_with_a_slow_writer(
    server: FakeServer, make_client: MakeClient
) -> None:
    """Waiting for the disk is no silence of Frigate."""
    client = make_client(server.url, limits=Limits(idle=1))
    body = os.urandom(5 * 1024 * 1024)
    server.record("0.17.2", "version")
    server.answer(CLIP, as_bytes(body, "video/mp4"))
    pieces: list[bytes] = []

    async def write(piece: bytes) -> None:
        if len(pieces) in (0, 2):
            await asyncio.sleep(1.3)
        pieces.append(piece)

    await client.clip("front_door", start=10, end=20, write=write)
    assert b"".join(pieces) == body


@pytest.mark.parametrize(
    "answer", [hang_silently, begin("image/jpeg", b"\xff\xd8")], ids=["silent", "begun"]
)
async def test_snapshot_that_hangs(
    server: FakeServer, impatient: FrigateClient, answer: Handler
) -> None:
    """The same for a picture."""
    server.answer(SNAPSHOT, answer)

    async with promptly():
        with pytest.raises(MediaBroken, match="hangs|in time"):
            await impatient.snapshot("id")


# Broken off


def broken(content_type: str, data: bytes, **headers: str) -> Handler:
    """Return a handler that sends some data, and breaks off."""

    async def handle(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": content_type, **headers})
        await response.prepare(request)
        await response.write(data)
        await asyncio.sleep(0.05)
        await abort(request)
        return response

    return handle


@pytest.mark.parametrize("headers", [{}, {"Content-Length": "1000"}])
async def test_clip_that_breaks_off(
    server: FakeServer, client: FrigateClient, headers: dict[str, str]
) -> None:
    """Chunked as from 0.15 on, or with its length as in 0.14."""
    server.record("0.17.2", "version")
    server.answer(CLIP, broken("video/mp4", b"film", **headers))

    with pytest.raises(MediaBroken, match="A clip: .* broke"):
        await ask_clip(client)


async def test_snapshot_that_breaks_off(
    server: FakeServer, client: FrigateClient
) -> None:
    """Or is a part of a picture."""
    image = media("0.17.2", "snapshot-full.jpg").read_bytes()
    server.answer(
        SNAPSHOT,
        broken("image/jpeg", image[:99], **{"Content-Length": str(len(image))}),
    )
    with pytest.raises(MediaBroken, match="broke"):
        await client.snapshot("id")

    server.answer(SNAPSHOT, as_bytes(image[:-1], "image/jpeg"))
    with pytest.raises(MediaBroken, match="JPEG is cut off"):
        await client.snapshot("id")


async def test_json_that_breaks_off(server: FakeServer, client: FrigateClient) -> None:
    """An outage like others."""
    server.fallback = broken(
        "application/json", b'{"mqtt": {', **{"Content-Length": "99"}
    )

    with pytest.raises(FrigateUnreachable, match="broke in the middle"):
        await client.config()


# Too much


async def test_json_without_end(server: FakeServer, make_client: MakeClient) -> None:
    """It is not read to its end."""
    client = make_client(server.url, limits=replace(PATIENT, json_bytes=100_000))
    sent = 0

    async def endless(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        while sent < 50_000_000:
            await response.write(b"[" * 100_000)
            sent += 100_000
        return response

    server.fallback = endless
    with pytest.raises(FrigateServerError, match="more than 100000 bytes"):
        await client.config()
    assert sent < 50_000_000


async def test_snapshot_that_is_too_large(
    server: FakeServer, make_client: MakeClient
) -> None:
    """Broken, for all that we can tell."""
    client = make_client(server.url, limits=replace(PATIENT, image_bytes=1000))
    server.answer(SNAPSHOT, reply("0.17.2", "event-snapshot"))

    with pytest.raises(MediaBroken, match="more than 1000 bytes"):
        await client.snapshot("id")


@pytest.mark.parametrize(
    "body", [b"[" * 200_000, b"{", b"\xff", b"", b"OK", b"9" * 5000]
)
async def test_json_that_is_none(
    server: FakeServer, client: FrigateClient, body: bytes
) -> None:
    """Something else is there."""
    server.fallback = as_bytes(body, "application/json")

    with pytest.raises(NotFrigate, match="/api/config answers"):
        await client.config()


# Something else answers


async def test_web_pages(server: FakeServer, client: FrigateClient) -> None:
    """As Frigate's own web server does for every path that it does not know."""
    server.fallback = page()

    for ask in (client.version(), client.config(), client.uptime()):
        with pytest.raises(NotFrigate):
            await ask
    with pytest.raises(NotFrigate, match="a text/html came"):
        await client.snapshot("id")
    with pytest.raises(NotFrigate):
        await client.review("x")


async def test_web_page_for_a_clip(server: FakeServer, client: FrigateClient) -> None:
    """A login page of a proxy is no film."""
    server.record("0.17.2", "version")
    for answer in (page(), as_json({})):
        server.answer(CLIP, answer)
        with pytest.raises(NotFrigate, match="A clip: a (text|application)/"):
            await ask_clip(client)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_redirection(
    server: FakeServer, make_client: MakeClient, status: int
) -> None:
    """Not followed, least of all with a password; where it leads is told."""
    target = "https://anna:secret@login.example:444/path?token=secret"

    async def redirect(request: web.Request) -> web.Response:
        return web.Response(status=status, headers={"Location": target})

    server.fallback = redirect
    client = make_client(server.url)
    with pytest.raises(NotFrigate) as caught:
        await client.version()
    assert str(caught.value) == (
        "/api/version: redirected to https://login.example:444"
    )
    user = make_client(server.url, username="admin", password="adminpassword")
    with pytest.raises(NotFrigate, match="redirected"):
        await user.version()
    assert len(server.asked) == 2


@pytest.mark.parametrize("location", [None, "http://[", "//", "mailto:x"])
async def test_redirection_to_nowhere(
    server: FakeServer, client: FrigateClient, location: str | None
) -> None:
    """Then it is not told where it leads."""

    async def redirect(request: web.Request) -> web.Response:
        headers = {} if location is None else {"Location": location}
        return web.Response(status=302, headers=headers)

    server.fallback = redirect
    with pytest.raises(NotFrigate, match=r"/api/version: redirected"):
        await client.version()


async def test_no_http(socket_enabled: None, make_client: MakeClient) -> None:
    """An SSH server, for example."""

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH_9.2\r\n")
        await reader.read(100)

    async with raw_server(greet) as address:
        with pytest.raises(NotFrigate, match="no HTTP"):
            await make_client(f"http://{address}").version()


@pytest.mark.parametrize("version", VERSIONS)
async def test_plain_http_to_the_port_with_tls(
    server: FakeServer, client: FrigateClient, version: str
) -> None:
    """Nginx says so, in a web page."""
    server.fallback = reply(version, "auth-plain-http-to-tls-port")

    for ask in (client.version(), client.config(), client.snapshot("id")):
        with pytest.raises(FrigateTlsError, match="wants https://"):
            await ask
    server.record(version, "version")
    with pytest.raises(FrigateTlsError, match="wants https://"):
        await ask_clip(client)


# Statuses


@pytest.mark.parametrize(
    ("answer", "error", "text"),
    [
        (page(502), FrigateUnreachable, "HTTP status 502"),
        (page(503), FrigateUnreachable, "HTTP status 503"),
        (page(504), FrigateTimeout, "HTTP status 504"),
        (page(407), FrigateUnreachable, "proxy wants a login"),
        (page(500), FrigateServerError, "HTTP status 500"),
        (page(403), FrigateForbidden, "HTTP status 403"),
        (page(404), NotFrigate, "no such page"),
        (page(400), FrigateServerError, "HTTP status 400"),
        (page(429), FrigateServerError, "HTTP status 429"),
        (as_bytes(b"", "text/plain", 204), FrigateServerError, "HTTP status 204"),
        (
            reply("0.17.2", "unknown-route"),
            FrigateServerError,
            "HTTP status 404: Not Found",
        ),
        # A proxy before a Frigate that is just starting: nothing is known of an item.
        (
            as_bytes(b"404 page not found\n", "text/plain; charset=utf-8", 404),
            FrigateServerError,
            "HTTP status 404",
        ),
        (
            as_bytes(b"default backend - 404", "text/plain", 404),
            FrigateServerError,
            "HTTP status 404",
        ),
        (
            as_bytes(b"Not found", "text/html", 404),
            FrigateServerError,
            "HTTP status 404",
        ),
        (
            as_json({"message": "no Route matched with those values"}, 404),
            FrigateServerError,
            "HTTP status 404",
        ),
        (
            reply("0.17.2", "auth-viewer-forbidden"),
            FrigateForbidden,
            "HTTP status 403: Role viewer not authorized",
        ),
        (
            reply("0.17.2", "review-list-bad-number"),
            FrigateServerError,
            "HTTP status 422$",
        ),
        (as_json({"message": "a\nb"}, 500), FrigateServerError, "status 500$"),
        (as_json({"message": "x" * 999}, 500), FrigateServerError, "500: x{200}$"),
        (as_json({"message": "x" * 9999}, 500), FrigateServerError, "status 500$"),
        (as_json("Too busy", 500), FrigateServerError, "500: Too busy$"),
        (as_bytes(b"[" * 9999, "text/plain", 500), FrigateServerError, "status 500$"),
        (
            as_bytes(b"[" * 9999, "application/json", 500),
            FrigateServerError,
            "status 500$",
        ),
        (as_bytes(b"\xff", "text/plain", 500), FrigateServerError, "status 500: "),
    ],
)
async def test_statuses(
    server: FakeServer,
    client: FrigateClient,
    answer: Reply,
    error: type[FrigateError],
    text: str,
) -> None:
    """The same for every question about an item."""
    server.fallback = answer

    for ask in (
        client.review("x"),
        client.events(after=1, before=2, limit=3),
        client.recordings("front_door", after=1, before=2),
        client.hours("front_door"),
        client.snapshot("id"),
    ):
        with pytest.raises(FrigateError, match=text) as caught:
            await ask
        assert type(caught.value) is error
        if isinstance(caught.value, FrigateServerError):
            assert caught.value.status == answer.status


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (page(502), FrigateUnreachable),
        (page(504), FrigateTimeout),
        (page(407), FrigateUnreachable),
        (page(500), FrigateServerError),
        (as_json({"error": "busy"}, 500), FrigateServerError),
        (page(408), FrigateServerError),
        (page(429), FrigateServerError),
        (page(403), FrigateForbidden),
        (page(404), NotFrigate),
        (as_json({"error": "no such route"}, 404), NotFrigate),
        (as_bytes(b"404 page not found", "text/plain", 404), NotFrigate),
        (reply("0.17.2", "unknown-route"), NotFrigate),
        (as_json({"message": "Camera not found"}, 404), NotFrigate),
        (page(400), NotFrigate),
        (as_json({}, 405), NotFrigate),
        (reply("0.17.2", "review-list-bad-number"), NotFrigate),
        (as_bytes(b"", "text/plain", 204), NotFrigate),
        (page(), NotFrigate),
        (as_json({"version": "0.17.2"}), NotFrigate),
        (as_json("0.17.2"), NotFrigate),
        (as_json([]), NotFrigate),
        (as_json(None), NotFrigate),
        (as_bytes(b"", "text/plain"), NotFrigate),
        (as_bytes(b"\xff", "text/plain"), NotFrigate),
    ],
)
async def test_who_answers(
    server: FakeServer, client: FrigateClient, answer: Reply, error: type[FrigateError]
) -> None:
    """Version and configuration tell Frigate from any other server."""
    server.fallback = answer

    for ask in (client.version(), client.config()):
        with pytest.raises(FrigateError) as caught:
            await ask
        assert type(caught.value) is error


@pytest.mark.parametrize("status", [405, 501])
async def test_log_in_at_a_server_that_knows_none(
    server: FakeServer, make_client: MakeClient, status: int
) -> None:
    """Every Frigate takes a login, or has no such route."""
    server.fallback = page(status)
    client = make_client(server.url, username="admin", password="adminpassword")

    with pytest.raises(NotFrigate, match=f"The login: HTTP status {status}"):
        await client.version()


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (page(502), FrigateUnreachable),
        (page(500), FrigateServerError),
        (as_json({"message": "Internal Server Error"}, 500), MediaNotReady),
        (page(404), NotFrigate),
        (reply("0.17.2", "unknown-route"), FrigateServerError),
        (reply("0.17.2", "auth-viewer-clip-unknown-camera"), FrigateForbidden),
        (reply("0.17.2", "clip-bad-number"), FrigateServerError),
        (reply("0.17.2", "clip-no-recordings"), MediaNotReady),
        (page(400), MediaNotReady),
    ],
)
async def test_statuses_of_a_clip(
    server: FakeServer,
    client: FrigateClient,
    answer: Reply,
    error: type[FrigateError],
) -> None:
    """A clip that can't be had yet is told from a Frigate that can't."""
    server.record("0.17.2", "version")
    server.answer(CLIP, answer)

    with pytest.raises(FrigateError) as caught:
        await ask_clip(client)
    assert type(caught.value) is error


async def test_error_page_without_end(
    server: FakeServer, client: FrigateClient
) -> None:
    """Only its beginning is read."""

    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(status=500)
        await response.prepare(request)
        while True:
            await response.write(b"x" * 100_000)

    server.fallback = endless
    with pytest.raises(FrigateServerError, match="HTTP status 500$"):
        await client.version()


# TLS


@pytest.fixture
async def tls_server(
    socket_enabled: None, server_tls: ssl.SSLContext
) -> AsyncGenerator[FakeServer]:
    """Return a server with a self-signed certificate, as Frigate's."""
    server = await FakeServer().start(tls=server_tls)
    server.record("0.17.2")
    yield server
    await server.close()


async def test_self_signed_certificate(
    tls_server: FakeServer, make_client: MakeClient
) -> None:
    """Refused, unless the user says otherwise."""
    assert tls_server.url.startswith("https://")
    with pytest.raises(FrigateTlsError, match="certificate was refused: self"):
        await make_client(tls_server.url).version()
    assert tls_server.asked == []

    client = make_client(tls_server.url, verify_ssl=False)
    assert await client.version() == FrigateVersion(0, 17, 2)


async def test_certificate_that_the_session_trusts(
    tls_server: FakeServer, certificate: Path
) -> None:
    """Verification is the session's."""
    context = ssl.create_default_context(cafile=certificate)
    connector = aiohttp.TCPConnector(ssl=context)
    async with aiohttp.ClientSession(connector=connector) as session:
        assert await FrigateClient(session, tls_server.url).version()


async def test_https_to_a_port_without_tls(
    server: FakeServer, make_client: MakeClient
) -> None:
    """Port 5000 speaks plainly."""
    url = server.url.replace("http://", "https://")
    with pytest.raises(FrigateTlsError, match="No TLS connection"):
        await make_client(url, verify_ssl=False).version()


async def test_log_in_over_tls(tls_server: FakeServer, make_client: MakeClient) -> None:
    """As at port 8971."""
    tls_server.record("0.17.2", "login-ok")
    client = make_client(
        tls_server.url, username="admin", password="adminpassword", verify_ssl=False
    )

    assert await client.version()
    assert tls_server.asked[-1].bearer is not None


# Proxies


class FakeProxy:
    """An HTTP proxy that wants a login."""

    def __init__(self) -> None:
        """Note what comes."""
        self.requests: list[bytes] = []
        self.refuse = b""

    async def answer(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Forward a request, or open a tunnel."""
        head = await reader.readuntil(b"\r\n\r\n")
        self.requests.append(head)
        if self.refuse:
            writer.write(self.refuse)
            return
        method, target, _ = head.split(b" ", 2)
        host = target.decode().removeprefix("http://").partition("/")[0]
        name, _, port = host.partition(":")
        there, back = await asyncio.open_connection(name, int(port))
        if method == b"CONNECT":
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        else:
            path = target.decode().partition(host)[2].encode()
            back.write(head.replace(target, path, 1))

        async def pump(
            source: asyncio.StreamReader, target: asyncio.StreamWriter
        ) -> None:
            while data := await source.read(65536):
                target.write(data)

        done, pending = await asyncio.wait(
            [
                asyncio.ensure_future(pump(reader, back)),
                asyncio.ensure_future(pump(there, writer)),
            ],
            return_when=asyncio.FIRST_COMPLETED,
        )
        for task in pending:
            task.cancel()
        await asyncio.gather(*done, *pending, return_exceptions=True)
        back.close()


async def test_proxy(server: FakeServer, make_client: MakeClient) -> None:
    """With the proxy's own login, which Frigate does not get to see."""
    server.record("0.17.2")
    proxy = FakeProxy()
    async with raw_server(proxy.answer) as address:
        client = make_client(server.url, proxy=f"http://anna:secret@{address}")
        assert await client.version() == FrigateVersion(0, 17, 2)

    assert b"Proxy-Authorization: Basic YW5uYTpzZWNyZXQ=" in proxy.requests[0]


async def test_proxy_and_tls(tls_server: FakeServer, make_client: MakeClient) -> None:
    """Through a tunnel."""
    proxy = FakeProxy()
    async with raw_server(proxy.answer) as address:
        client = make_client(
            tls_server.url, proxy=f"http://anna:secret@{address}", verify_ssl=False
        )
        assert await client.version() == FrigateVersion(0, 17, 2)
        with pytest.raises(FrigateTlsError, match="refused: self"):
            await make_client(tls_server.url, proxy=f"http://{address}").version()

    assert proxy.requests[0].startswith(b"CONNECT 127.0.0.1:")
    assert b"Authorization" not in str(tls_server.asked[0].headers).encode()


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_proxy_that_refuses(
    socket_enabled: None, make_client: MakeClient, scheme: str
) -> None:
    """An error of the proxy is not one of Frigate; no password in it."""
    proxy = FakeProxy()
    proxy.refuse = (
        b"HTTP/1.1 407 Proxy Authentication Required\r\n"
        b"Content-Length: 0\r\nConnection: close\r\n\r\n"
    )
    async with raw_server(proxy.answer) as address:
        client = make_client(
            f"{scheme}://frigate:5000", proxy=f"http://anna:secret@{address}"
        )
        with pytest.raises(FrigateUnreachable, match="[Tt]he proxy") as caught:
            await client.version()
    assert "secret" not in str(caught.value)


async def test_proxy_that_is_not_there(
    socket_enabled: None, make_client: MakeClient
) -> None:
    """The same."""
    client = make_client(
        "http://frigate:5000", proxy=f"http://anna:secret@127.0.0.1:{free_port()}"
    )
    with pytest.raises(FrigateUnreachable, match="proxy can't be reached") as caught:
        await client.version()
    assert "secret" not in str(caught.value)


# All that aiohttp may raise


@pytest.mark.parametrize(
    ("raised", "error"),
    [
        (TimeoutError(), FrigateTimeout),
        (aiohttp.SocketTimeoutError("http://a:secret@h"), FrigateTimeout),
        (aiohttp.ConnectionTimeoutError("http://a:secret@h"), FrigateTimeout),
        (aiohttp.ServerDisconnectedError("secret"), FrigateUnreachable),
        (aiohttp.ClientPayloadError("secret"), FrigateUnreachable),
        (aiohttp.ClientConnectionError("secret"), FrigateUnreachable),
        (aiohttp.ClientConnectionResetError("secret"), FrigateUnreachable),
        (aiohttp.ClientOSError(104, "Connection reset by peer"), FrigateUnreachable),
        (aiohttp.InvalidURL("http://a:secret@h"), FrigateUnreachable),
        (aiohttp.ClientError("secret"), FrigateUnreachable),
        (ssl.SSLError(1, "[SSL] bad"), FrigateTlsError),
        (OSError(113, "No route to host"), FrigateUnreachable),
        (UnicodeError("label too long"), FrigateUnreachable),
    ],
)
def test_every_error_has_a_cause(raised: Exception, error: type[FrigateError]) -> None:
    """None comes through, none brings a secret along."""
    with pytest.raises(FrigateError) as caught, errors_by_cause():
        raise raised
    assert type(caught.value) is error
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is raised


def test_other_errors_come_through() -> None:
    """A mistake of ours is not to be hidden."""
    with pytest.raises(ZeroDivisionError), errors_by_cause():
        raise ZeroDivisionError


# Secrets


async def test_no_secret_is_shown(
    server: FakeServer, make_client: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither in what is raised, nor in what is logged, nor by `repr`."""
    caplog.set_level("DEBUG", logger="custom_components")
    server.record("0.17.2", "login-ok")
    server.fallback = reply("0.17.2", "auth-no-token")
    user = make_client(server.url, username="admin", password="adminpassword")

    with pytest.raises(FrigateAuthFailed) as caught:
        await user.version()

    token = reply("0.17.2", "login-ok").headers["set-cookie"][20:60]
    shown = f"{caught.value!r} {caught.value.__cause__!r} {user!r} {caplog.text}"
    assert "adminpassword" not in shown
    assert token not in shown


async def test_body_of_a_refused_log_in_is_not_shown(
    server: FakeServer, make_client: MakeClient
) -> None:
    """FastAPI repeats the request in its errors, the password with it."""

    async def echo(request: web.Request) -> web.Response:
        detail = [{"type": "missing", "input": (await request.json())}] * 200
        return respond(as_json({"detail": detail}, 422))

    server.answer("/api/login", echo)
    user = make_client(server.url, username="admin", password="adminpassword")

    with pytest.raises(FrigateServerError, match="status 422") as caught:
        await user.version()
    assert "adminpassword" not in str(caught.value)
