"""A ledger that a backup brought back: whole, and nothing is sent twice or lost."""

import asyncio
from collections.abc import Callable
import itertools
import os
from pathlib import Path
import shutil
import sqlite3
from threading import Event
import time
from typing import Never, override

import pytest

from custom_components.frigate_snap_sync.frigate.models import Review, Segment, Severity
from custom_components.frigate_snap_sync.sync.ledger import (
    Ledger,
    LedgerError,
    Origin,
    backup,
    generations,
    items,
    milestones,
    spooled_files,
)
from custom_components.frigate_snap_sync.sync.model.naming import Render
from custom_components.frigate_snap_sync.sync.services import Services
from custom_components.frigate_snap_sync.sync.spool.spool import Spool
from custom_components.frigate_snap_sync.sync.startup import open_home

from .conftest import Bench, setup, until
from .fakes import CLIP_SECONDS, IMAGE, FakeDestination
from .ledgers import Pause, remember

BOTH_NAMES = pytest.mark.parametrize(
    "render",
    [None, lambda values: f"{values.camera}/{values.label}-{values.start:%H-%M-%S}"],
    ids=["default names", "template"],
)


@pytest.mark.parametrize(
    ("own", "copied", "newest", "expected"),
    [
        # Nothing happened; an earlier backup, or one that is being made.
        (5, None, 5, False),
        (5, 3, 5, False),
        (5, 5, 5, False),
        # Our word of it could not be kept, or was.
        (6, 5, 5, False),
        # A restore: with the folder of the newest number, or with an empty one.
        (5, 5, 6, True),
        (5, 5, None, True),
        # Of another kind of backup, or of one for which there was no time.
        (5, 3, 9, False),
        (5, None, 9, False),
        # The folder was cleared, long after a backup.
        (9, 3, None, False),
        # Missing or damaged, whatever else is known.
        (None, 3, 9, True),
        (None, 3, None, True),
        (None, None, 9, False),
    ],
)
def test_which_one_is_used(
    own: int | None, copied: int | None, newest: int | None, expected: bool
) -> None:
    """The copy only where the ledger is not what it was."""
    found = generations.is_copy_better(own=own, copied=copied, newest=newest)
    assert found is expected


def full(_: object) -> Never:
    """Be a disk without space."""
    raise OSError(28, "No space left on device")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the ledger lies."""
    return tmp_path / "ledger" / "one.db"


def ledger_of(
    path: Path, *, copy: Callable[[Path, Event], None] = backup.make_copy
) -> Ledger:
    """Return a ledger whose newest number is kept elsewhere."""
    generation = path.parent.parent / "cache" / "one.generation"
    return Ledger(path, generation_path=generation, copy=copy)


async def known(path: Path, *, is_killed: bool = False) -> tuple[Origin, int]:
    """Start with the ledger; return where it comes from and how many items it knows.

    Without the spool, if it `is_killed` before that.
    """
    ledger = ledger_of(path)
    await ledger.open()
    try:
        count = len(await ledger.run(items.open_reviews))
        if not is_killed:
            spool = Spool(path.parent.parent / "spool", limit=1 << 20)
            await open_home(Services(ledger=ledger, spool=spool))
        return ledger.origin, count
    finally:
        await ledger.close()


async def backed_up(path: Path) -> Path:
    """Make a ledger of one item, and a backup file by file; then a second item."""
    ledger = ledger_of(path)
    await ledger.open()
    await ledger.run(remember(1))
    await ledger.back_up()
    saved = path.parent.parent / "saved"
    shutil.copytree(path.parent, saved)
    await ledger.end_backup()
    await ledger.run(remember(2))
    await ledger.close()
    return saved


def restore(path: Path, saved: Path) -> None:
    """Put the saved files into the place of the present ones."""
    shutil.rmtree(path.parent)
    shutil.copytree(saved, path.parent)


async def test_without_a_restore_the_copy_is_left_alone(path: Path) -> None:
    """Also after many starts."""
    await backed_up(path)
    for _ in range(3):
        assert await known(path) == (Origin.OWN, 2)


@pytest.mark.parametrize("is_cache_kept", [True, False])
async def test_a_restored_ledger_is_taken_from_the_copy(
    path: Path, is_cache_kept: bool
) -> None:
    """What was copied file by file is set aside, whatever it looks like."""
    saved = await backed_up(path)
    restore(path, saved)
    if not is_cache_kept:
        shutil.rmtree(path.parent.parent / "cache")
    assert await known(path) == (Origin.COPY, 1)
    assert list(path.parent.glob("one.db.corrupt-*"))
    assert await known(path) == (Origin.OWN, 1)


async def test_a_restore_without_a_copy(path: Path) -> None:
    """It is told that it is an earlier one, and used if it is sound."""
    saved = await backed_up(path)
    (saved / "one.db.backup").unlink()
    restore(path, saved)
    assert (await known(path))[0] is Origin.SET_BACK


@pytest.mark.parametrize("damage", ["garbage", "missing"])
async def test_a_damaged_ledger_is_taken_from_the_copy(path: Path, damage: str) -> None:
    """One of an earlier backup is better than none."""
    await backed_up(path)
    if damage == "garbage":
        path.write_bytes(b"not a database" * 1000)
    else:
        path.unlink()
    assert await known(path) == (Origin.COPY, 1)


async def test_a_ledger_that_is_missing_without_a_copy(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Something was known once: it is no first start."""
    assert await known(path) == (Origin.OWN, 0)
    assert not caplog.text
    path.unlink()
    assert await known(path) == (Origin.NOWHERE, 0)
    assert "ledger is missing" in caplog.text
    assert await known(path) == (Origin.OWN, 0)


@pytest.mark.parametrize(
    ("damage", "origin"),
    [
        ("missing", Origin.NOWHERE),
        ("garbage", Origin.NOWHERE),
        ("restored", Origin.SET_BACK),
        ("copy", Origin.COPY),
    ],
)
@pytest.mark.parametrize("starts", [0, 1, 2])
async def test_starts_that_fail_leave_what_the_spool_holds(
    path: Path, damage: str, origin: Origin, starts: int
) -> None:
    """Killed before the spool was opened: the next start must not take it for its own."""
    saved = await backed_up(path)
    assert (await known(path))[0] is Origin.OWN
    image = path.parent.parent / "spool" / "image.jpg"
    image.write_bytes(IMAGE)
    if damage in ("restored", "copy"):
        restore(path, saved)
    if damage != "copy":
        backup.copy_of(path).unlink()
    if damage == "garbage":
        path.write_bytes(b"not a database" * 1000)
    elif damage == "missing":
        path.unlink()
    found = [(await known(path, is_killed=True))[0] for _ in range(starts)]
    found.append((await known(path))[0])
    assert found == [origin, Origin.UNSETTLED, Origin.UNSETTLED][: starts + 1]
    (aside,) = image.parent.parent.glob("spool.unknown-*")
    assert [file.read_bytes() for file in aside.iterdir()] == [IMAGE]
    ledger = ledger_of(path)
    await ledger.open()
    assert ledger.origin is Origin.OWN
    assert await ledger.run(milestones.is_kept, milestones.RESTORED)
    await ledger.close()


async def test_a_start_that_is_tried_again(bench: Bench) -> None:
    """Without space on the disk, say: nothing is removed."""
    nas = FakeDestination()
    await bench.start(setup(nas))
    await bench.stop()
    image = bench.folder / "spool" / "image.jpg"
    image.write_bytes(IMAGE)
    (bench.folder / "ledger" / "one.db").unlink()
    bench.faults.jobs[spooled_files.spool_names] = full
    for _ in range(2):
        with pytest.raises(OSError, match="No space left"):
            await bench.start(setup(nas))
    bench._engine = None  # noqa: SLF001
    bench.faults.jobs.clear()
    await bench.start(setup(nas))
    (aside,) = bench.folder.glob("spool.unknown-*")
    assert [file.read_bytes() for file in aside.iterdir()] == [IMAGE]


async def test_a_damaged_copy_is_not_used(path: Path) -> None:
    """Neither instead of a sound ledger, nor of a damaged one."""
    saved = await backed_up(path)
    copy = saved / "one.db.backup"
    damaged = bytearray(copy.read_bytes())
    damaged[4096:] = b"\xff" * (len(damaged) - 4096)
    copy.write_bytes(damaged)
    restore(path, saved)
    assert (await known(path))[0] is Origin.SET_BACK
    path.write_bytes(b"not a database" * 1000)
    assert await known(path) == (Origin.NOWHERE, 0)


async def test_a_copy_holds_up_nobody(path: Path) -> None:
    """It is made beside the ledger's own thread, and whoever gives up leaves none."""
    pause = Pause()

    class Slow(Event):
        """Holds the copy up where it looks first whether it is still wanted."""

        def __init__(self, abandoned: Event) -> None:
            super().__init__()
            self._abandoned = abandoned

        @override
        def is_set(self) -> bool:
            pause.begun.set()
            assert pause.over.wait(10)
            return self._abandoned.is_set()

    copies: list[Callable[[Path, Event], None]] = [
        backup.make_copy,
        lambda path, abandoned: backup.make_copy(path, Slow(abandoned)),
    ]
    ledger = ledger_of(path, copy=lambda *arguments: copies.pop(0)(*arguments))
    await ledger.open()
    await ledger.run(remember(1))
    await ledger.back_up()
    before = backup.copy_of(path).read_bytes()
    copying = asyncio.create_task(ledger.back_up())
    await asyncio.to_thread(pause.begun.wait, 5)
    assert await asyncio.wait_for(ledger.run(remember(2)), 5) == 2
    copying.cancel()
    await asyncio.wait({copying})
    pause.over.set()
    new = path.with_name("one.db.backup.new")
    await until(lambda: not new.exists())
    assert backup.copy_of(path).read_bytes() == before
    await ledger.close()


async def test_a_copy_that_can_not_be_made(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk, say: the earlier one stays."""
    ledger = ledger_of(path)
    await ledger.open()
    await ledger.back_up()
    before = backup.copy_of(path).read_bytes()

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(LedgerError, match="No space left"):
        await ledger.back_up()
    monkeypatch.undo()
    assert backup.copy_of(path).read_bytes() == before
    assert not path.with_name("one.db.backup.new").exists()
    await ledger.close()


async def test_a_copy_is_durable_before_it_has_its_name(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A power cut leaves the earlier copy, or the whole new one."""
    done: list[str] = []
    ledger = ledger_of(path)
    await ledger.open()
    fsync, rename = os.fsync, Path.replace

    def synced(descriptor: int) -> None:
        done.append(f"sync {Path(f'/proc/self/fd/{descriptor}').readlink().name}")
        fsync(descriptor)

    def renamed(source: Path, target: Path) -> Path:
        done.append(f"rename {source.name}")
        return rename(source, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", renamed)
    await ledger.back_up()
    assert done == [
        "sync one.db.backup.new",
        "rename one.db.backup.new",
        "sync ledger",
    ]
    await ledger.close()


async def test_the_newest_number_is_kept_after_the_ledger_has_it(path: Path) -> None:
    """Killed between the two, the ledger is ahead, and is not taken for an old one."""
    await backed_up(path)
    file = path.parent.parent / "cache" / "one.generation"
    number = int(file.read_text())
    file.write_text(str(number - 1))
    assert await known(path) == (Origin.OWN, 2)
    assert int(file.read_text()) > number
    file.write_text("no number")
    assert (await known(path))[1] == 2


class Busy:
    """Lets things happen while files are copied."""

    def __init__(self, bench: Bench, nas: FakeDestination) -> None:
        """Keep the bench."""
        self._bench = bench
        self._numbers = itertools.count()
        self._begin = time.time() - 200
        self._nas = nas

    def more(self, count: int) -> None:
        """Let so many images come, and as many reviews end."""
        for _ in range(count):
            number = next(self._numbers)
            start = self._begin - 2 * number  # A name of its own, by the second.
            self._bench.live_snapshot(label=f"l{number}", image=IMAGE + bytes(number))
            review = Review(
                id=f"{start}-r{number:05}",
                camera="front_door",
                start_time=start,
                end_time=start + 20,
                severity=Severity.ALERT,
                labels=frozenset({"person"}),
                zones=frozenset(),
                ended=True,
            )
            self._bench.frigate.known_reviews[review.id] = review
            self._bench.review(
                "end", source_id=review.id, start=start, end=review.end_time
            )

    async def sent(self, count: int) -> None:
        """Wait until so many files more are there."""
        wanted = len(self._nas.media) + count
        await until(lambda: len(self._nas.media) >= wanted)


@BOTH_NAMES
@pytest.mark.parametrize("is_cache_kept", [True, False])
@pytest.mark.parametrize("has_copy", [True, False])
async def test_a_restore_in_the_middle_of_uploads(
    bench: Bench, render: Render | None, is_cache_kept: bool, has_copy: bool
) -> None:
    """The files were copied at different moments: nothing is sent twice or lost."""
    nas = FakeDestination()
    bench.frigate.footage = lambda camera, after, before: [
        Segment(start_time=before - CLIP_SECONDS, end_time=before)
    ]
    setups = [setup(nas, render=render)]
    await bench.start(*setups)
    await until(lambda: bench.status.frigate_connected)
    await bench.engine._ledger.run(long_ago)  # noqa: SLF001
    busy = Busy(bench, nas)
    busy.more(4)
    await busy.sent(3)
    ledger, saved = bench.folder / "ledger", bench.folder / "saved"
    saved.mkdir()
    await bench.engine.back_up()
    busy.more(4)
    shutil.copy(ledger / "one.db", saved)
    await busy.sent(3)
    busy.more(4)
    await busy.sent(3)
    for ending in ("-wal", "-shm", ".backup") if has_copy else ("-wal",):
        shutil.copy(ledger / f"one.db{ending}", saved)
    await bench.engine.end_backup()
    busy.more(2)
    assert await bench.settled() == {"verified": 28}
    before = dict(nas.media)
    assert len(before) == 28
    await bench.stop()

    shutil.rmtree(ledger)
    saved.rename(ledger)
    if not is_cache_kept:
        shutil.rmtree(bench.folder / "spool")
        (bench.folder / "spool.generation").unlink()
    nas.history.clear()
    await bench.start(*setups)
    await until(lambda: bench.status.frigate_connected)
    await bench.engine.catch_up(3600)
    assert set(await bench.settled()) == {"verified"}
    assert nas.media == before
    assert not [path for path in nas.history if path in nas.media]
    await bench.stop()


def long_ago(connection: sqlite3.Connection) -> None:
    """Let entry and destinations be older than all that happens."""
    connection.execute("UPDATE destinations SET since = 0")
    connection.execute("UPDATE milestones SET moment = ?", (time.time() - 3600,))
