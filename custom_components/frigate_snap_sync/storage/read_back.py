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


async def is_stored(destination: Destination, path: str, content: Content) -> bool:
    """Tell whether the file at `path` has exactly this content.

    The size is compared first. The file is read only if that fits, and no further
    than that; nothing is ever removed. Raises `StorageError`.
    """
    stored = await destination.stat(path)
    if stored is None or stored.size != content.size:
        return False
    digest, left = hashlib.sha256(), content.size
    try:
        async with aclosing(destination.open_read(path)) as pieces:
            async for piece in pieces:
                left -= len(piece)
                if left < 0:
                    return False
                await asyncio.to_thread(digest.update, piece)
    except FileNotFoundError:
        return False
    return left == 0 and digest.hexdigest() == content.sha256
