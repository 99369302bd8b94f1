"""The spool: whole files or none, and only those the ledger knows."""

import asyncio
import hashlib
import os
from pathlib import Path
import shutil

import pytest

from custom_components.frigate_snap_sync.sync.model.errors import SpoolError, SpoolFull
from custom_components.frigate_snap_sync.sync.spool.spool import Spool

from ..waiting import until


@pytest.fixture
async def spool(tmp_path: Path) -> Spool:
    """Return a spool whose folder was made."""
    spool = Spool(tmp_path / "cache" / "spool", limit=8 << 20)
    await spool.open([])
    return spool


async def test_a_stored_file_is_whole(spool: Spool) -> None:
    """With its size and hash."""
    data = b"x" * 3_000_000
    file = await spool.store(data, "jpg")
    assert spool.path(file.name).read_bytes() == data
    assert file.size == len(data)
    assert file.sha256 == hashlib.sha256(data).hexdigest()
    assert file.name.endswith(".jpg")
    await spool.remove([file.name, "never-there"])
    assert not spool.path(file.name).exists()


async def test_a_stored_file_survives_a_power_cut(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its bytes are on the disk before its name is, and its name before it is told."""
    done: list[str] = []
    fsync, rename = os.fsync, Path.replace

    def synced(descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        done.append(f"sync {path.name} of {path.stat().st_size}")
        fsync(descriptor)

    def renamed(path: Path, target: Path) -> Path:
        done.append(f"rename {path.name}")
        return rename(path, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", renamed)
    async with spool.writer("jpg") as writer:
        await writer.write(b"image")
        await writer.finish()
        folder = f"sync spool of {spool.folder.stat().st_size}"
        name = writer.path.name
        assert done == [f"sync {name} of 5", f"rename {name}", folder]


async def test_a_file_written_in_pieces(spool: Spool) -> None:
    """Pieces of any size."""
    pieces = [b"a" * 10, b"b" * 2_000_000, b"", b"c" * 700_000]
    async with spool.writer("mp4") as writer:
        for piece in pieces:
            await writer.write(piece)
        file = await writer.finish()
    assert spool.path(file.name).read_bytes() == b"".join(pieces)
    assert file.sha256 == hashlib.sha256(b"".join(pieces)).hexdigest()
    assert [entry.name for entry in spool.folder.iterdir()] == [file.name]


async def test_a_file_can_be_looked_into_before_it_is_finished(spool: Spool) -> None:
    """That is how a clip is found to be whole."""
    async with spool.writer("mp4") as writer:
        await writer.write(b"short")
        await writer.flush()
        assert writer.path.read_bytes() == b"short"


async def test_what_is_not_finished_is_not_there(spool: Spool) -> None:
    """A download that broke leaves nothing."""

    async def download() -> None:
        async with spool.writer("mp4") as writer:
            await writer.write(b"x" * 2_000_000)
            raise RuntimeError("connection lost")

    with pytest.raises(RuntimeError):
        await download()
    assert not list(spool.folder.iterdir())


async def test_at_the_start_unknown_files_go(spool: Spool) -> None:
    """Those of a crash; what the ledger misses is told."""
    kept = await spool.store(b"kept", "jpg")
    await spool.store(b"unknown", "jpg")
    (spool.folder / "half.mp4.part").write_bytes(b"half")
    assert await spool.open([kept.name, "missing.mp4"]) == {"missing.mp4"}
    assert [entry.name for entry in spool.folder.iterdir()] == [kept.name]


async def test_what_nobody_knows_is_set_aside_each_time(spool: Spool) -> None:
    """Also twice in one second: it may be evidence."""
    for content in (b"one", b"two"):
        await spool.open([])
        await spool.store(content, "jpg")
        await spool.store(content, "jpg")
        await spool.open([], keeps_unknown=True)
    folders = sorted(spool.folder.parent.glob("spool.unknown-*"))
    assert [[file.read_bytes() for file in folder.iterdir()] for folder in folders] == [
        [b"one"] * 2,
        [b"two"] * 2,
    ]


async def test_what_is_set_aside_is_bounded(
    spool: Spool, caplog: pytest.LogCaptureFixture
) -> None:
    """By the spool's limit: the oldest goes, the newest stays, and it is said."""
    (spool.folder.parent / "spool.other").mkdir()
    for number in range(7):
        await spool.store(b"%d" % number * (3 << 20), "mp4")
        await spool.open([], keeps_unknown=True)
    folders = sorted(spool.folder.parent.glob("spool.unknown-*"))
    assert [next(each.iterdir()).read_bytes()[:1] for each in folders] == [b"5", b"6"]
    assert caplog.text.count("is removed") == 5
    assert (spool.folder.parent / "spool.other").exists()

    # The limit was lowered: the newest is all that is left of that time.
    await Spool(spool.folder, limit=1 << 20).open([])
    assert sorted(spool.folder.parent.glob("spool.unknown-*")) == folders[1:]


async def test_the_limit_counts_all_bytes(spool: Spool) -> None:
    """Of files that are being written too; what is gone counts no more."""
    kept = await spool.store(b"x" * (3 << 20), "mp4")
    async with spool.writer("mp4") as writer:
        await writer.write(b"y" * (4 << 20))
        assert spool.used == 7 << 20
        with pytest.raises(SpoolFull):
            await writer.write(b"y" * (2 << 20))
    assert spool.used == 3 << 20
    again = Spool(spool.folder, limit=8 << 20)
    (spool.folder / "@eaDir").mkdir()
    assert await again.open([kept.name]) == set()
    assert again.used == 3 << 20
    await again.remove([kept.name])
    assert again.used == 0


async def test_what_is_removed_counts_no_more_though_the_caller_is_cancelled(
    spool: Spool,
) -> None:
    """Its file goes in any case."""
    file = await spool.store(b"image", "jpg")
    removal = asyncio.create_task(spool.remove([file.name]))
    await asyncio.sleep(0)  # It has begun.
    removal.cancel()
    with pytest.raises(asyncio.CancelledError):
        await removal
    await until(lambda: not spool.used)
    assert not spool.path(file.name).exists()


async def test_the_folder_was_removed_meanwhile(spool: Spool) -> None:
    """The next file makes it once more, for its owner alone."""
    shutil.rmtree(spool.folder.parent)
    file = await spool.store(b"image", "jpg")
    assert spool.path(file.name).read_bytes() == b"image"
    assert spool.folder.stat().st_mode & 0o777 == 0o700


async def test_a_disk_that_refuses(tmp_path: Path) -> None:
    """One class of error, whatever the call."""
    (tmp_path / "file").write_text("in the way")
    spool = Spool(tmp_path / "file", limit=8 << 20)
    with pytest.raises(SpoolError):
        await spool.open([])
    with pytest.raises(SpoolError):
        await spool.store(b"x", "jpg")
    with pytest.raises(SpoolError, match="not open"):
        await spool.writer("jpg").finish()
