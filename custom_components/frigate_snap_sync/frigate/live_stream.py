"""One camera's film while it happens: from go2rtc, behind Frigate's own door.

The protocol is that of go2rtc's player (Media Source Extensions): one text asks for
codecs, one text says which come, then binary messages: the film's beginning, and a
fragment for each picture, from a keyframe on.
"""

from collections.abc import AsyncGenerator
from http import HTTPStatus
import json
import re
from time import monotonic
from typing import Final

import aiohttp

from .api import Api
from .errors import (
    FrigateForbidden,
    FrigateTimeout,
    FrigateUnreachable,
    LiveDenied,
    LiveRefused,
    MalformedMessage,
    MediaBroken,
)
from .fields import as_mapping, decode_json
from .live_mp4 import LiveFragment, LiveInit, is_init, parse_fragment, parse_init
from .transport import AWAY, Limits, close_socket, errors_by_cause

CODECS: Final = "avc1.640029,hvc1.1.6.L153.B0,mp4a.40.2,flac,opus"
"""What go2rtc compares letter by letter. Without `flac` the sound of cameras with
PCM (G.711) would be missing."""

_REQUEST: Final = json.dumps({"type": "mse", "value": CODECS})
_MAX_TEXT: Final = 64 * 1024
_MAX_REASON: Final = 200
_ADDRESS: Final = re.compile(r"\S*://\S*")
"""A camera's address may hold a password."""
_STANDING: Final = ("stream not found", "codecs not matched")
"""What go2rtc says of a stream that it won't give soon either. Its other words are those
of a camera that it can't reach now."""

_SILENCE: Final = "No picture came for some seconds"

type LiveMessage = LiveInit | LiveFragment


async def live_film(
    api: Api, stream: str, *, limits: Limits
) -> AsyncGenerator[LiveMessage]:
    """Yield the film of a stream of go2rtc, from now on, until something ends it.

    Comes back for the next message at once: go2rtc mutes a slow reader for good. Never
    ends by itself.

    Raises:
        LiveRefused: go2rtc has no such stream, or no codec of it that we know.
        LiveDenied: Frigate gives no film, whatever the stream.
        FrigateForbidden: The user may not see this camera.
        FrigateUnreachable: The connection ended, or no picture came for some seconds, or
            go2rtc can't reach the camera.
        MediaBroken: What came is no film.

    """
    try:
        socket = await api.open_live(stream)
    except aiohttp.WSServerHandshakeError as err:
        raise _refusal(err) from err
    try:
        with errors_by_cause():
            await socket.send_str(_REQUEST)
        async for message in _film(socket, limits):
            yield message
    finally:
        await close_socket(socket)


async def _film(
    socket: aiohttp.ClientWebSocketResponse, limits: Limits
) -> AsyncGenerator[LiveMessage]:
    init: LiveInit | None = None
    due = monotonic() + limits.film
    while True:
        data = await _next(socket, due - monotonic())
        is_late = monotonic() >= due
        if isinstance(data, str):
            _check_text(data)
        elif is_init(data):
            init = parse_init(data)
            yield init
        elif init is None:
            raise MediaBroken("go2rtc sent a film without a beginning")
        else:
            fragment = parse_fragment(data, init)
            if fragment.pictures is not None:
                is_late, due = False, monotonic() + limits.silence
            yield fragment
        if is_late:
            # What comes without end may leave no moment in which nothing came.
            raise FrigateTimeout(_SILENCE)


async def _next(socket: aiohttp.ClientWebSocketResponse, seconds: float) -> bytes | str:
    """Return the next message; raises `FrigateUnreachable` if there is none in time."""
    try:
        message = await socket.receive(timeout=max(seconds, 0.001))
    except TimeoutError as err:
        raise FrigateTimeout(_SILENCE) from err
    match message.type:
        case aiohttp.WSMsgType.BINARY | aiohttp.WSMsgType.TEXT:
            data: bytes | str = message.data
            return data
        case aiohttp.WSMsgType.ERROR if socket.close_code == _TOO_BIG:
            raise MediaBroken("go2rtc sent more in one message than a picture has")
    raise FrigateUnreachable("go2rtc closed the film")


_TOO_BIG: Final = aiohttp.WSCloseCode.MESSAGE_TOO_BIG


def _check_text(text: str) -> None:
    """Raise `LiveRefused` or `FrigateUnreachable` if go2rtc says that it gives no film."""
    try:
        message = as_mapping(
            decode_json(text.encode(), limit=_MAX_TEXT), "a message of go2rtc"
        )
    except MalformedMessage as err:
        raise MediaBroken(str(err)) from err
    if message.get("type") == "error":
        reason = _reason(message.get("value"))
        is_standing = any(words in reason for words in _STANDING)
        cause = LiveRefused if is_standing else FrigateUnreachable
        raise cause(f"go2rtc gives no film: {reason}")


def _reason(value: object) -> str:
    """Return go2rtc's own words, short and without any address."""
    text = _ADDRESS.sub("…", value) if isinstance(value, str) else ""
    return "".join(char for char in text if char.isprintable())[:_MAX_REASON]


def _refusal(
    error: aiohttp.WSServerHandshakeError,
) -> FrigateForbidden | FrigateUnreachable | LiveRefused:
    text = f"The live film: HTTP status {error.status}"
    if error.status == HTTPStatus.FORBIDDEN:
        return FrigateForbidden(text)
    if error.status in AWAY:
        return FrigateUnreachable(text)
    if error.status == HTTPStatus.NOT_FOUND:
        return LiveRefused(text)
    return LiveDenied(text)
