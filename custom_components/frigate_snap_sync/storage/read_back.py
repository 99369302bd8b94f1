"""Reading a stored file back: is it, byte for byte, what was sent?"""

import asyncio
from contextlib import aclosing
from dataclasses import dataclass
import hashlib

from .base import Destination


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What a file holds: how many bytes, and their SHA-256 in hex."""

    size: int
    sha256: str


async def read_content(
    destination: Destination, path: str, *, most: int | None = None
) -> Content:
    """Return what the file at `path` holds, as it is read back.

    What is longer than `most` bytes is read no further; then only its size is true,
    and that at least. Raises FileNotFoundError or `StorageError`.
    """
    digest, size = hashlib.sha256(), 0
    async with aclosing(destination.open_read(path)) as pieces:
        async for piece in pieces:
            size += len(piece)
            if most is not None and size > most:
                break
            await asyncio.to_thread(digest.update, piece)
    return Content(size=size, sha256=digest.hexdigest())


async def is_stored(destination: Destination, path: str, content: Content) -> bool:
    """Tell whether the file at `path` has exactly this content.

    The size is compared first. The file is read only if that fits, and no further
    than that; nothing is ever removed. Raises `StorageError`.
    """
    stored = await destination.stat(path)
    if stored is None or stored.size != content.size:
        return False
    try:
        found = await read_content(destination, path, most=content.size)
    except FileNotFoundError:
        return False
    return found == content
