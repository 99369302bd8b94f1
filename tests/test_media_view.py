"""What lies at a destination, over HTTP."""

import asyncio
from contextlib import suppress
from http import HTTPStatus
import time
from typing import Any

from aiohttp import hdrs
from aiohttp.test_utils import TestClient
from hypothesis import given, strategies as st
import pytest
from pytest_homeassistant_custom_component.common import MockUser
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.frigate_snap_sync.media_ids import async_signed_path, file_path
from custom_components.frigate_snap_sync.media_view import FileView
from custom_components.frigate_snap_sync.storage.errors import Unreachable
from custom_components.frigate_snap_sync.sync.model.item import Media
from custom_components.frigate_snap_sync.sync.model.stored import FileKey
from custom_components.frigate_snap_sync.sync.playback.byte_ranges import (
    Span,
    Unsatisfiable,
    asked_span,
)
from homeassistant.components.http import KEY_HASS_REFRESH_TOKEN_ID
from homeassistant.core import HomeAssistant
from homeassistant.helpers.http import current_request

from .component import ENTRY_ID
from .sync.fakes import CLIP, FULL_IMAGE, IMAGE
from .sync.test_virtual_mp4 import whole
from .test_media_source import Archive, _fail, archive, client, get
from .waiting import promptly, until

__all__ = ["archive", "client"]

pytestmark = pytest.mark.usefixtures("mqtt_client")


async def test_only_with_a_login(
    hass: HomeAssistant, archive: Archive, hass_client_no_auth: ClientSessionGenerator
) -> None:
    """Or with a signature, of this very file."""
    client = await hass_client_no_auth()
    path = file_path(ENTRY_ID, archive.clip)
    assert (await client.get(path)).status == HTTPStatus.UNAUTHORIZED
    assert (await client.head(path)).status == HTTPStatus.UNAUTHORIZED
    signed = async_signed_path(hass, ENTRY_ID, archive.clip)
    assert signed.startswith(f"{path}?")
    assert (await client.get(signed)).status == HTTPStatus.OK
    other = signed.replace("1.mp4", "2.mp4")
    assert (await client.get(other)).status == HTTPStatus.UNAUTHORIZED


async def test_a_signature_is_no_user_s(
    hass: HomeAssistant,
    archive: Archive,
    hass_client_no_auth: ClientSessionGenerator,
    hass_admin_user: MockUser,
) -> None:
    """Who set the entry up may log out, and what was signed later is valid still."""
    token = await hass.auth.async_create_refresh_token(hass_admin_user, "https://page")
    request = {KEY_HASS_REFRESH_TOKEN_ID: token.id}
    reset = current_request.set(request)  # type: ignore[arg-type]
    signed = async_signed_path(hass, ENTRY_ID, archive.clip)
    current_request.reset(reset)
    hass.auth.async_remove_refresh_token(token)
    client = await hass_client_no_auth()
    assert (await client.get(signed)).status == HTTPStatus.OK


async def test_ranges(archive: Archive, client: TestClient[Any, Any]) -> None:
    """As iOS asks for the first two bytes, and browsers for what they seek."""
    film = await whole(CLIP)
    size = len(film)
    for asked, start, end in (
        ("bytes=0-1", 0, 1),
        ("bytes=0-", 0, size - 1),
        ("bytes=100000-150000", 100_000, 150_000),
        (f"bytes={size - 5}-{size + 5}", size - 5, size - 1),
        ("bytes=-7", size - 7, size - 1),
        (f"bytes=-{size + 7}", 0, size - 1),
    ):
        response = await get(client, archive.clip, range=asked)
        assert response.status == HTTPStatus.PARTIAL_CONTENT, asked
        assert response.headers[hdrs.CONTENT_RANGE] == f"bytes {start}-{end}/{size}"
        assert response.headers[hdrs.CONTENT_LENGTH] == str(end - start + 1)
        assert response.headers[hdrs.CONTENT_TYPE] == "video/mp4"
        assert response.headers[hdrs.ACCEPT_RANGES] == "bytes"
        assert await response.read() == film[start : end + 1]
    for asked in (f"bytes={size}-", "bytes=-0", f"bytes={10**25}-"):
        response = await get(client, archive.clip, range=asked)
        assert response.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, asked
        assert response.headers[hdrs.CONTENT_RANGE] == f"bytes */{size}"
        assert await response.read() == b""
    for asked in ("bytes=5-1", "bytes=0-1,5-9", "lines=1-2", "bytes=-"):
        response = await get(client, archive.clip, range=asked)
        assert response.status == HTTPStatus.OK, asked
        assert response.headers[hdrs.CONTENT_LENGTH] == str(size)
        assert await response.read() == film
    assert not archive.server.readers


async def test_what_is_known_already(
    archive: Archive, client: TestClient[Any, Any]
) -> None:
    """Is not sent again; and a range of another file than thought is all of it."""
    first = await get(client, archive.clip)
    tag = first.headers[hdrs.ETAG]
    assert tag.startswith('"')
    unchanged = await get(client, archive.clip, if_none_match=tag)
    assert unchanged.status == HTTPStatus.NOT_MODIFIED
    same = await get(client, archive.clip, range="bytes=0-1", if_range=tag)
    assert same.status == HTTPStatus.PARTIAL_CONTENT
    other = await get(client, archive.clip, range="bytes=0-1", if_range='"else"')
    assert other.status == HTTPStatus.OK
    assert "private" in first.headers[hdrs.CACHE_CONTROL]


async def test_head(archive: Archive, client: TestClient[Any, Any]) -> None:
    """Says the same, without a byte."""
    path = file_path(ENTRY_ID, archive.clip)
    size = len(await whole(CLIP))
    sent = archive.server.sent
    response = await client.head(path)
    looked = archive.server.sent - sent
    assert response.status == HTTPStatus.OK
    assert response.headers[hdrs.CONTENT_LENGTH] == str(size)
    assert response.headers[hdrs.CONTENT_TYPE] == "video/mp4"
    ranged = await client.head(path, headers={"range": "bytes=5-9"})
    assert ranged.status == HTTPStatus.PARTIAL_CONTENT
    assert ranged.headers[hdrs.CONTENT_LENGTH] == "5"
    assert archive.server.sent == sent + looked <= sent + 5


async def test_pictures(archive: Archive, client: TestClient[Any, Any]) -> None:
    """Byte for byte, also those whose id is no legal part of a URL."""
    key = FileKey(media=Media.SNAPSHOTS, source_id=archive.snapshot)
    response = await get(client, key)
    assert response.headers[hdrs.CONTENT_TYPE] == "image/jpeg"
    assert await response.read() == FULL_IMAGE
    rows = await archive.bench.uploads(media="live_snapshots")
    live = FileKey(media=Media.LIVE_SNAPSHOTS, source_id=rows[0].item_id)
    assert "/" in live.source_id
    assert await (await get(client, live)).read() == IMAGE


async def test_other_answers(
    hass: HomeAssistant, archive: Archive, client: TestClient[Any, Any]
) -> None:
    """There is no such file; or it can't be read now."""
    paths = [
        file_path(ENTRY_ID, FileKey(media=Media.RECORDINGS, source_id="9.5-none")),
        file_path("elsewhere", archive.clip),
        file_path(ENTRY_ID, archive.clip).replace("1.mp4", "1.jpg"),
        # Half a letter.
        f"/api/frigate_snap_sync/file/{ENTRY_ID}/snapshot/~7aCA/1.jpg",
    ]
    for path in paths:
        assert (await client.get(path)).status == HTTPStatus.NOT_FOUND, path
    archive.server.error = Unreachable("It is away")
    response = await get(client, archive.clip)
    assert response.status == HTTPStatus.SERVICE_UNAVAILABLE
    archive.bench.faults.run = lambda job, run: _fail()
    response = await get(client, archive.clip)
    assert response.status == HTTPStatus.SERVICE_UNAVAILABLE
    assert await hass.config_entries.async_unload(ENTRY_ID)
    response = await get(client, archive.clip)
    assert response.status == HTTPStatus.SERVICE_UNAVAILABLE


async def test_a_copy_that_breaks_off(
    archive: Archive,
    client: TestClient[Any, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The client sees it: the connection ends before the announced length."""
    archive.server.breaks_after = 65536
    response = await get(client, archive.clip)
    assert response.status == HTTPStatus.OK
    with pytest.raises(Exception, match=r"(?i)payload|closed|reset"):
        await response.read()
    assert not archive.server.readers
    assert "Error handling request" not in caplog.text


async def test_a_copy_that_became_shorter(
    archive: Archive, client: TestClient[Any, Any]
) -> None:
    """The connection ends: the next answer is not taken for the remainder of the file."""
    await archive.replace_clip(b"x" * 1000)
    first = await get(client, archive.clip)
    assert await first.read() == b"x" * 1000
    path = next(
        path for path, data in archive.server.files.items() if data == b"x" * 1000
    )
    archive.server.files[path] = b"x" * 400
    reader, writer = await asyncio.open_connection(
        client.server.host, client.server.port
    )
    token = client.session.headers[hdrs.AUTHORIZATION]
    asked = f"GET {file_path(ENTRY_ID, archive.clip)} HTTP/1.1\r\nHost: x\r\n"
    writer.write(f"{asked}{hdrs.AUTHORIZATION}: {token}\r\n\r\n".encode() * 2)
    got = bytearray()
    async with promptly():
        with suppress(ConnectionError):
            while data := await reader.read(100_000):
                got += data
    head, _, body = bytes(got).partition(b"\r\n\r\n")
    assert b"Content-Length: 1000" in head
    assert len(body) <= 400
    assert not body.strip(b"x")
    writer.close()
    # What is there now is not what was verified.
    response = await get(client, archive.clip)
    assert response.status == HTTPStatus.SERVICE_UNAVAILABLE


async def test_a_client_that_leaves(
    archive: Archive, client: TestClient[Any, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is read for it any more."""
    archive.server.pause = 0.02
    await archive.replace_clip(b"x" * 50_000_000)
    response = await get(client, archive.clip)
    await response.content.readexactly(100_000)
    assert archive.server.readers == 1
    response.close()
    await until(lambda: archive.server.readers == 0)
    assert archive.server.sent < 500
    assert "Error handling request" not in caplog.text


async def test_a_client_that_takes_nothing(
    hass: HomeAssistant, archive: Archive, hass_client: ClientSessionGenerator
) -> None:
    """Is hung up on, so that a paused player holds no file open for ever."""
    view = FileView(hass, write_timeout=0.2)
    view.url = f"/quick{view.url}"
    view.name = "quick"
    hass.http.register_view(view)
    client = await hass_client()
    await archive.replace_clip(b"x" * 50_000_000)
    began = time.monotonic()
    response = await client.get(f"/quick{file_path(ENTRY_ID, archive.clip)}")
    async with promptly():
        await until(lambda: archive.server.sent > 0)
        await until(lambda: archive.server.readers == 0)
    assert time.monotonic() - began < 10
    # What was under way was not read ahead of the client.
    assert archive.server.sent < 1500
    response.close()


@given(header=st.text() | st.from_regex(r"\Abytes=\d*-\d*\Z"), size=st.integers(0, 99))
def test_any_range_header(header: str, size: int) -> None:
    """Asks for bytes that are there, for all, or for none."""
    try:
        span = asked_span(header, size)
    except Unsatisfiable:
        return
    assert span is None or (
        0 <= span.start < size and 0 < span.length <= size - span.start
    )
    assert asked_span(None, size) is None
    if size:
        assert asked_span("bytes=0-", size) == Span(0, size)
