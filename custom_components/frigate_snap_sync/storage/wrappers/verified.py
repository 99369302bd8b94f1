"""A destination whose copies are read back: is each what was sent?"""

import asyncio
from contextlib import aclosing
import hashlib
from typing import override

from ..base import Destination, Source, StoredFile
from ..errors import Rejected
from .base import Wrapper


class Verified(Wrapper):
    """Reads each file back once it is there; a wrong copy is removed.

    A source whose hash nobody knows is compared by its size alone.
    """

    @override
    async def put(self, path: str, source: Source, *, temporary: str) -> StoredFile:
        stored = await self.inner.put(path, source, temporary=temporary)
        if source.sha256 is not None:
            await verify_checksum(self.inner, path, source.sha256, size=source.size)
        return stored


async def verify_checksum(
    destination: Destination, path: str, sha256: str, *, size: int | None = None
) -> None:
    """Read a copy back and compare its hash (hex); a wrong copy is removed.

    No more is read than the `size` in bytes that was sent, if it is given. Raises
    Rejected if the copy is another or is gone, or another `StorageError`.
    """
    digest, count = hashlib.sha256(), 0
    try:
        async with aclosing(destination.open_read(path)) as pieces:
            async for piece in pieces:
                count += len(piece)
                if size is not None and count > size:
                    break
                await asyncio.to_thread(digest.update, piece)
    except FileNotFoundError:
        raise Rejected(f"{path} is not there any more") from None
    if digest.hexdigest() != sha256 or size not in (None, count):
        await destination.delete(path)
        raise Rejected(f"What was read back of {path} is not what was sent")
