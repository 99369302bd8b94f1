"""A destination whose copies are read back: is each what was sent?"""

from typing import override

from ..base import Destination, Source, StoredFile
from ..errors import READING, PermissionDenied, Rejected
from ..read_back import read_content
from .base import Wrapper


class Verified(Wrapper):
    """Reads each file back once it is there; a wrong copy is removed, if it can be.

    A source without a known hash is compared by its size alone.
    """

    @override
    async def put(self, path: str, source: Source, *, temporary: str) -> StoredFile:
        stored = await self.inner.put(path, source, temporary=temporary)
        if source.sha256 is not None:
            try:
                await verify_checksum(self.inner, path, source.sha256, size=source.size)
            except PermissionDenied as err:
                err.step = READING
                raise
        return stored


async def verify_checksum(
    destination: Destination, path: str, sha256: str, *, size: int | None = None
) -> None:
    """Read a copy back and compare its hash (hex); a wrong copy is removed.

    It stays where nothing can be deleted. No more is read than the `size` in bytes that
    was sent, if it is given. Raises Rejected if the copy is another or is gone, or
    another `StorageError`.
    """
    try:
        found = await read_content(destination, path, most=size)
    except FileNotFoundError:
        raise Rejected(f"{path} is not there any more", hint="file_missing") from None
    if found.sha256 != sha256 or size not in (None, found.size):
        if destination.capabilities.can_delete:
            await destination.delete(path)
        raise Rejected(
            f"What was read back of {path} is not what was sent", hint="other_bytes"
        )
