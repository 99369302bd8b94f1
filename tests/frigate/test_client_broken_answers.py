"""Answers of Frigate that come late, in part, or without end."""

import asyncio
import contextlib
from dataclasses import replace
import os
import sys
import time
from typing import Any

from aiohttp import web
import pytest

from custom_components.frigate_snap_sync.frigate.client import FrigateClient, Limits
from custom_components.frigate_snap_sync.frigate.errors import (
    FrigateServerError,
    FrigateTimeout,
    FrigateUnreachable,
    MediaBroken,
    NotFrigate,
)

from ..waiting import LONG, promptly
from .conftest import PATIENT, MakeClient
from .recorded import media, reply
from .server import FakeServer, Handler, abort, as_bytes
from .test_client_errors import CLIP, ask_clip

SNAPSHOT = "/api/events/id/snapshot.jpg"


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
