"""Answers that are pictures or films: what is asked, how long, what it means."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from http import HTTPStatus
import math
from time import time_ns

import aiohttp

from .api import apart
from .errors import (
    FrigateError,
    FrigateServerError,
    FrigateUnreachable,
    MediaBroken,
    MediaGone,
    MediaNotReady,
    NotFrigate,
)
from .media import check_jpeg
from .transport import Answer, read_pieces
from .version import FrigateVersion


@asynccontextmanager
async def deadline(seconds: float, what: str) -> AsyncGenerator[None]:
    """Raise `MediaBroken` if it takes longer: a trickle of bytes may never end."""
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            yield
    except TimeoutError as err:
        if not limit.expired():
            raise
        raise MediaBroken(f"{what}: not whole after {seconds:.0f} s") from err


def clip_times(version: FrigateVersion, start: float, end: float) -> tuple[str, str]:
    """Return the two times of a clip as Frigate wants them written.

    Frigate 0.14 keeps a clip under the times it was asked with, and gives the
    kept file again even if it was made too early or only half made. There a
    fraction of a second, which it rounds away, makes each request a new one;
    both numbers must be of the same form.
    """
    first = max(0, math.floor(start))
    last = max(first + 1, math.ceil(end))
    if version < FrigateVersion(0, 15):
        fraction = time_ns() // 1000 % 1_000_000
        return f"{first}.0", f"{last}.{fraction:06d}"
    return str(first), str(last)


def clip_error(answer: Answer, what: str) -> FrigateError:
    """Return the error for a status that is not 200."""
    if answer.is_missing_item:
        return MediaGone(f"{what}: {answer.message}")
    error = answer.error(what)
    if isinstance(error, FrigateServerError) and (
        # Frigate 0.17+: no recordings; 0.14: no recordings, or ffmpeg failed
        answer.status == HTTPStatus.BAD_REQUEST
        or (answer.status == HTTPStatus.INTERNAL_SERVER_ERROR and answer.message)
    ):
        return MediaNotReady(str(error), said=error.said)
    return error


def may_be_media(content_type: str) -> bool:
    """Tell whether an answer of this type can be a picture or a film."""
    return content_type != "application/json" and not content_type.startswith("text/")


async def checked_picture(answer: Answer, what: str) -> bytes:
    """Return the picture that was answered, if it is a whole JPEG.

    Raises the `FrigateError` of an answer that is none.
    """
    if answer.status != HTTPStatus.OK:
        raise answer.error(what)
    if not may_be_media(answer.content_type):
        raise NotFrigate(f"{what}: a {answer.content_type} came")
    if not answer.body:
        raise MediaNotReady(f"{what}: empty answer")
    await apart(len(answer.body), partial(check_jpeg, answer.body))
    return answer.body


async def media_pieces(
    response: aiohttp.ClientResponse, what: str
) -> AsyncGenerator[bytes]:
    """Yield the body in pieces; raises `MediaBroken` when it hangs or breaks off."""
    try:
        async for piece in read_pieces(response):
            yield piece
    except FrigateUnreachable as err:
        raise MediaBroken(f"{what}: {err}") from err
