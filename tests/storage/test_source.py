"""Reading the files that are sent."""

import errno
import os
from pathlib import Path
import threading
from unittest.mock import patch

import pytest

from custom_components.frigate_snap_sync.storage.errors import Rejected
from custom_components.frigate_snap_sync.storage.source import (
    PIECE_SIZE,
    PieceReader,
    open_source,
)

from ..waiting import LONG, until
from .conftest import MakeSource


def is_open(reader: PieceReader) -> bool:
    """Return whether the reader still holds its file."""
    try:
        reader.size()
    except OSError:
        return False
    return True


async def test_pieces(make_source: MakeSource) -> None:
    """A file comes in pieces, in order, and then nothing."""
    path = make_source(2 * PIECE_SIZE + 5)
    async with open_source(path) as source:
        assert source.size == 2 * PIECE_SIZE + 5
        pieces = [await source.read() for _ in range(4)]
    assert [len(piece) for piece in pieces] == [PIECE_SIZE, PIECE_SIZE, 5, 0]
    assert b"".join(pieces) == path.read_bytes()


async def test_errors_have_a_cause(make_source: MakeSource) -> None:
    """What this machine's own disk refuses is no fault of the destination."""
    path = make_source()
    with (
        patch.object(os, "open", side_effect=PermissionError(errno.EACCES, "no")),
        pytest.raises(Rejected, match="Opening source-1 failed: no"),
    ):
        async with open_source(path):
            pytest.fail("it was opened")
    with (
        patch.object(os, "read", side_effect=OSError(errno.EIO, "broken")),
        pytest.raises(Rejected, match="Opening source-1 failed: broken"),
    ):
        async with open_source(path):
            pytest.fail("it was opened")
    path = make_source(3 * PIECE_SIZE)
    read, offset = os.read, 0

    def fail_later(descriptor: int, size: int) -> bytes:
        nonlocal offset
        if offset:
            raise OSError(errno.EIO, "broken")
        offset += size
        return read(descriptor, size)

    with patch.object(os, "read", fail_later):
        async with open_source(path) as source:
            await source.read()
            with pytest.raises(Rejected, match="Reading source-2 failed: broken"):
                await source.read()


async def test_a_small_file_is_read_in_one_go(make_source: MakeSource) -> None:
    """And closed: nothing of it is done in a thread after that."""
    path = make_source(1000)
    async with open_source(path) as source:
        path.unlink()
        with patch.object(os, "read", side_effect=OSError(errno.EIO, "broken")):
            assert len(await source.read()) == 1000
            assert await source.read() == b""


async def test_a_file_that_shrinks(make_source: MakeSource) -> None:
    """It just ends early; whoever sends it compares the size."""
    path = make_source(2 * PIECE_SIZE)
    async with open_source(path) as source:
        os.truncate(path, PIECE_SIZE // 2)
        total = 0
        while piece := await source.read():
            total += len(piece)
    assert source.size == 2 * PIECE_SIZE
    assert total == PIECE_SIZE


async def test_a_read_that_hangs(make_source: MakeSource) -> None:
    """A read is waited for a bounded time, and its file closed when it ends."""
    path = make_source(3 * PIECE_SIZE)
    release = threading.Event()
    read, count, ended = os.read, 0, 0

    def hang(descriptor: int, size: int) -> bytes:
        nonlocal count, ended
        count += 1
        assert count == sound or release.wait(2 * LONG)
        ended += 1
        return read(descriptor, size)

    with patch.object(os, "read", hang):
        sound = 1
        async with open_source(path, timeout=2) as source:
            await source.read()
            with pytest.raises(Rejected, match="Reading source-1 takes too long"):
                await source.read()
        sound = 0
        with pytest.raises(Rejected, match="Opening source-1 takes too long"):
            async with open_source(path, timeout=0.1):
                pytest.fail("it was opened")
        release.set()
        await until(lambda: ended == count)


def test_closing_while_reading(make_source: MakeSource) -> None:
    """The file is closed by the last who uses it."""
    reader = PieceReader.open(make_source(content=b"123").path)
    reading, release = threading.Event(), threading.Event()
    read = os.read
    result: list[bytes] = []

    def hang(descriptor: int, size: int) -> bytes:
        reading.set()
        assert release.wait(10)
        return read(descriptor, size)

    with patch.object(os, "read", hang):
        thread = threading.Thread(target=lambda: result.append(reader.read()))
        thread.start()
        assert reading.wait(10)
        reader.close()
        assert is_open(reader)
        release.set()
        thread.join(10)
    assert result == [b"123"]
    assert not is_open(reader)
    assert reader.read() == b""
    reader.close()


def test_a_forgotten_reader_closes_itself(make_source: MakeSource) -> None:
    """An opener that was cancelled leaks no descriptor."""
    path = make_source()
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(10):
        PieceReader.open(path.path)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
