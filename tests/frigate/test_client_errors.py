"""What goes wrong on the way to Frigate, and that each cause has its error."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
import contextlib
from contextlib import asynccontextmanager
import socket
import ssl
from typing import override

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
    MediaNotReady,
    NotFrigate,
)
from custom_components.frigate_snap_sync.frigate.transport import errors_by_cause

from ..harness.processes import free_port
from ..waiting import LONG, promptly
from .conftest import PATIENT, MakeClient
from .recorded import VERSIONS, Reply, reply
from .server import FakeServer, abort, as_bytes, as_json, page, respond

CLIP = "/api/front_door/start/10/end/20/clip.mp4"


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
