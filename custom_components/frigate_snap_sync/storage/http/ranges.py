"""Ranges of a file over HTTP: the header that asks for one, and the bytes inside of it."""

from collections.abc import AsyncGenerator, AsyncIterator


def range_headers(start: int, length: int | None) -> dict[str, str]:
    """Return the headers for `length` bytes (None: all that follow) from `start` on."""
    if not start and length is None:
        return {}
    last = "" if length is None else str(start + length - 1)
    return {"Range": f"bytes={start}-{last}"}


async def cut(
    pieces: AsyncIterator[bytes], *, skip: int, length: int | None
) -> AsyncGenerator[bytes]:
    """Yield what follows on the first `skip` bytes: `length` bytes, or all if None."""
    async for each in pieces:
        piece = each[skip:]
        skip = max(0, skip - len(each))
        if length is not None:
            piece = piece[:length]
            length -= len(piece)
        if piece:
            yield piece
        if length == 0:
            return
