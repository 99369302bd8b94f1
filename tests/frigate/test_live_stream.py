"""The live film: go2rtc's protocol, its refusals, its silences."""

import asyncio
from contextlib import aclosing
import json

from aiohttp import web
import pytest

from custom_components.frigate_snap_sync.frigate.client import FrigateClient, Limits
from custom_components.frigate_snap_sync.frigate.errors import (
    FrigateAuthFailed,
    FrigateForbidden,
    FrigateTimeout,
    FrigateUnreachable,
    LiveDenied,
    LiveRefused,
    MediaBroken,
)
from custom_components.frigate_snap_sync.frigate.live_mp4 import LiveFragment, LiveInit
from custom_components.frigate_snap_sync.frigate.live_stream import CODECS

from ..harness.frigate import Auth, Frigate, FrigateServer, Kind
from ..waiting import LONG
from .conftest import PATIENT, MakeClient
from .live_sessions import PATH, film, messages, playing
from .server import FakeServer, abort, page

FILMS = ("h264_aac", "h264_pcma", "h265")
BRIEF = Limits(connect=2 * LONG, total=2 * LONG, film=0.4, silence=0.2)


async def watched(client: FrigateClient, *, most: int) -> list[LiveInit | LiveFragment]:
    """Return the first messages of a film."""
    found: list[LiveInit | LiveFragment] = []
    async with aclosing(client.live_film("front_door")) as stream:
        async for message in stream:
            found.append(message)
            if len(found) == most:
                break
    return found


@pytest.mark.parametrize("name", FILMS)
async def test_a_recorded_film_comes_byte_for_byte(
    server: FakeServer, client: FrigateClient, name: str
) -> None:
    """A recorded film comes byte for byte."""

    asked: list[str] = []
    server.answer(PATH, playing(*messages(name), asked=asked))

    found = await watched(client, most=len(film(name)))

    assert tuple(message.data for message in found) == film(name)
    assert isinstance(found[0], LiveInit)
    assert json.loads(asked[0]) == {"type": "mse", "value": CODECS}
    assert server.asked[0].query == {"src": "front_door"}


async def test_stream_names_are_quoted(
    server: FakeServer, client: FrigateClient
) -> None:
    """Stream names are quoted."""

    server.answer(PATH, playing(*messages("h265"), asked=[]))

    async with aclosing(client.live_film("a&src=b c")) as stream:
        await anext(stream)

    assert server.asked[0].query == {"src": "a&src=b c"}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("unknown-stream", "stream not found"),
        ("h265-asked-for-h264-only", "codecs not matched: video:H265 => video:H264"),
    ],
)
async def test_what_go2rtc_refuses_is_said(
    server: FakeServer, client: FrigateClient, name: str, words: str
) -> None:
    """What go2rtc refuses is said."""

    server.answer(PATH, playing(*messages(name), asked=[]))

    with pytest.raises(LiveRefused, match=words):
        await watched(client, most=1)


async def test_no_address_of_a_camera_is_repeated(
    server: FakeServer, client: FrigateClient
) -> None:
    """go2rtc can't reach it now, which is no refusal: it may be back in a moment."""
    said = {"type": "error", "value": "streams: dial rtsp://u:secret@cam/1: refused\n"}
    server.answer(PATH, playing(json.dumps(said), asked=[]))

    with pytest.raises(FrigateUnreachable) as error:
        await watched(client, most=1)

    assert str(error.value) == "go2rtc gives no film: streams: dial … refused"


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (403, FrigateForbidden),
        (401, LiveDenied),
        (404, LiveRefused),
        (429, LiveDenied),
        (500, LiveDenied),
        (502, FrigateUnreachable),
    ],
)
async def test_a_door_that_stays_shut(
    server: FakeServer, client: FrigateClient, status: int, error: type[Exception]
) -> None:
    """A door that stays shut."""

    server.answer(PATH, page(status))

    with pytest.raises(error, match=f"HTTP status {status}") as caught:
        await watched(client, most=1)

    assert caught.type is error


async def test_a_broken_handshake(server: FakeServer, client: FrigateClient) -> None:
    """A broken handshake."""

    server.answer(PATH, abort)

    with pytest.raises(FrigateUnreachable):
        await watched(client, most=1)


async def test_the_film_ends_with_the_connection(
    server: FakeServer, client: FrigateClient
) -> None:
    """The film ends with the connection."""

    server.answer(PATH, playing(*messages("h264_aac"), asked=[], then="close"))

    with pytest.raises(FrigateUnreachable):
        await watched(client, most=10_000)


async def test_silence_ends_the_film(
    server: FakeServer, make_client: MakeClient
) -> None:
    """Silence ends the film."""

    server.answer(PATH, playing(*messages("h265"), asked=[]))
    client = make_client(server.url, limits=BRIEF)

    with pytest.raises(FrigateTimeout):
        await watched(client, most=10_000)


async def test_sound_is_no_sign_of_life_of_a_camera(
    server: FakeServer, make_client: MakeClient
) -> None:
    """A camera whose picture hangs may still be heard."""
    init, first, *_ = film("h264_aac")
    sound = film("h264_aac")[3]

    async def play(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.receive_str()
        await socket.send_bytes(init)
        await socket.send_bytes(first)
        while not socket.closed:
            await socket.send_bytes(sound)
            await asyncio.sleep(0.02)
        return socket

    server.answer(PATH, play)
    client = make_client(server.url, limits=BRIEF)

    with pytest.raises(FrigateTimeout):
        async with asyncio.timeout(LONG):
            await watched(client, most=10_000)


@pytest.mark.parametrize(
    "endless", [film("h264_aac")[0], film("h264_aac")[3], messages("h264_aac")[0]]
)
async def test_messages_without_pictures_do_not_go_on_for_ever(
    server: FakeServer, make_client: MakeClient, endless: str | bytes
) -> None:
    """Not even where the next one is always there already."""
    sent = (film("h264_aac")[0], endless)
    server.answer(PATH, playing(*sent, asked=[], then="chatter"))
    client = make_client(server.url, limits=BRIEF)

    with pytest.raises(FrigateTimeout):
        async with asyncio.timeout(LONG):
            await watched(client, most=10_000_000)


async def test_a_stream_that_never_begins(
    server: FakeServer, make_client: MakeClient
) -> None:
    """A stream that never begins."""

    server.answer(PATH, playing(messages("h265")[0], asked=[]))
    client = make_client(server.url, limits=BRIEF)

    with pytest.raises(FrigateTimeout):
        await watched(client, most=1)


@pytest.mark.parametrize(
    "sent",
    [
        [b"not a film at all"],
        [film("h265")[1]],  # no beginning
        [film("h265")[0][:-10]],
        [film("h265")[0], film("h265")[1][:-10]],
        [film("h265")[0], film("h265")[1][:100]],  # no data
        [film("h265")[0], film("h265")[1] + film("h265")[1][100:]],
        [film("h265")[0], b""],
        ["[]"],
        ["not JSON"],
    ],
)
async def test_what_is_no_film(
    server: FakeServer, client: FrigateClient, sent: list[str | bytes]
) -> None:
    """What is no film."""

    server.answer(PATH, playing(*sent, asked=[]))

    with pytest.raises(MediaBroken):
        await watched(client, most=10_000)


async def test_a_message_has_a_largest_size(
    server: FakeServer, make_client: MakeClient
) -> None:
    """A message has a largest size."""

    limits = Limits(connect=2 * LONG, total=2 * LONG, film=LONG, fragment_bytes=10_000)
    client = make_client(server.url, limits=limits)
    server.answer(PATH, playing(*messages("h265"), asked=[]))

    with pytest.raises(MediaBroken, match="more in one message"):
        await watched(client, most=10_000)


async def test_leaving_takes_no_answer_of_the_server(
    server: FakeServer, client: FrigateClient
) -> None:
    """A server that keeps sending never answers a good-bye."""
    server.answer(PATH, playing(*messages("h265"), asked=[], then="chatter"))

    async with asyncio.timeout(LONG):
        await watched(client, most=3)


async def test_a_login_is_renewed_once(make_client: MakeClient) -> None:
    """A login is renewed once."""

    auth = Auth()
    async with FrigateServer(Frigate(live=True), auth=auth) as server:
        client = make_client(
            server.url, username="viewer", password="viewer-password", limits=PATIENT
        )
        await client.version()
        auth.secret = "another one, as long as it must be for this algorithm"

        found = await watched(client, most=2)

    assert [type(message) for message in found] == [LiveInit, LiveFragment]
    assert auth.logins == 2


@pytest.mark.parametrize("with_login", [True, False])
async def test_a_door_that_takes_no_login(
    make_client: MakeClient, with_login: bool
) -> None:
    """It is a refusal of the film alone: all else of Frigate is asked as before.

    One more login is tried, and not again for the next film.
    """
    auth = Auth() if with_login else None
    login = {"username": "viewer", "password": "viewer-password"} if with_login else {}
    async with FrigateServer(Frigate(live=True), auth=auth) as server:
        client = make_client(server.url, limits=PATIENT, **login)
        await client.version()
        fault = server.faults.add(Kind.STATUS, PATH, status=401, times=None)
        for asked in (2, 3) if with_login else (1, 2):
            with pytest.raises(LiveDenied, match="HTTP status 401"):
                await watched(client, most=1)
            await client.version()
            assert server.journal.count(PATH) == asked
        server.faults.remove(fault)
        await watched(client, most=2)
    if auth is not None:
        assert auth.logins == 2


async def test_a_password_that_was_changed_is_no_matter_of_the_film(
    make_client: MakeClient,
) -> None:
    """Who sends it again is kept from that, as everywhere."""
    auth = Auth()
    async with FrigateServer(Frigate(live=True), auth=auth) as server:
        client = make_client(
            server.url, username="viewer", password="viewer-password", limits=PATIENT
        )
        await client.version()
        auth.secret = "another one, as long as it must be for this algorithm"
        auth.users = {}
        for _ in range(2):
            with pytest.raises(FrigateAuthFailed):
                await watched(client, most=1)
        assert server.journal.count(PATH) == 1


async def test_no_token_follows_a_redirection(
    server: FakeServer, make_client: MakeClient
) -> None:
    """To another server aiohttp takes none; it has no switch against following."""
    auth = Auth()

    async def log_in(request: web.Request) -> web.StreamResponse:
        version = Frigate().version
        token = auth.login("viewer", "viewer-password", version)
        assert token is not None
        headers = {"Set-Cookie": auth.cookie(token, version)}
        return web.json_response({}, headers=headers)

    async def redirect(request: web.Request) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": f"{server.url}{PATH}"})

    server.answer(PATH, page(403))
    first = await FakeServer().start()
    first.answer("/api/login", log_in)
    first.answer(PATH, redirect)
    client = make_client(first.url, username="viewer", password="viewer-password")
    with pytest.raises(FrigateForbidden):
        await watched(client, most=1)
    await first.close()

    assert first.asked_for(PATH)[0].bearer
    assert [asked.bearer for asked in server.asked] == [None]
