"""What has lain at a destination for long enough is removed, and nothing else."""

import asyncio
from dataclasses import replace
from pathlib import Path
import sqlite3
import time
from typing import override

import pytest

from custom_components.frigate_snap_sync.storage.errors import (
    PermissionDenied,
    Unreachable,
)
from custom_components.frigate_snap_sync.storage.layout import (
    Branch,
    Layout,
    changing_folders,
)
from custom_components.frigate_snap_sync.storage.local.destination import (
    LocalDestination,
    find_mount_point,
)
from custom_components.frigate_snap_sync.storage.wrappers import wrapped
from custom_components.frigate_snap_sync.sync.engine import DestinationSetup
from custom_components.frigate_snap_sync.sync.ledger import (
    destinations,
    items,
    live_files,
    outcomes,
    retention,
    sparing,
)
from custom_components.frigate_snap_sync.sync.ledger.pruning import forget_copies, prune
from custom_components.frigate_snap_sync.sync.model.errors import Refusal, Refused
from custom_components.frigate_snap_sync.sync.model.item import Role
from custom_components.frigate_snap_sync.sync.model.plans import UploadPlan
from custom_components.frigate_snap_sync.sync.model.retention import EARLIEST, advanced
from custom_components.frigate_snap_sync.sync.model.status import ProtectFilter

from ..waiting import promptly
from .conftest import FAST, Bench, setup, until
from .fakes import FULL_IMAGE, FakeDestination
from .ledgers import wanted
from .samples import ITEM

DAY = 86400.0


class Folders(FakeDestination):
    """Knows which folders were removed."""

    def __init__(self) -> None:
        """Start empty."""
        super().__init__()
        self.removed_folders: list[str] = []
        self.refusal: Exception | None = None

    @override
    async def delete(self, path: str) -> None:
        if self.refusal is not None:
            raise self.refusal
        await super().delete(path)

    @override
    async def remove_folder(self, path: str) -> None:
        if any(name.startswith(f"{path}/") for name in self.files):
            raise PermissionDenied("Directory not empty")
        self.removed_folders.append(path)


@pytest.fixture
def nas() -> Folders:
    """Return a destination."""
    return Folders()


def keeping(nas: FakeDestination, *, days: int = 0, size: int = 0) -> DestinationSetup:
    """Return the destination as its owner set it up."""
    return replace(setup(nas), retention_days=days, retention_size=size)


def store(
    connection: sqlite3.Connection,
    age: float,
    path: str,
    *,
    to: tuple[str, ...] = ("nas",),
    role: Role = Role.WHOLE,
    size: int = 5,
    arrived: float | None = None,
) -> None:
    """Let a file lie at the first of the destinations; the others wait for it.

    It `arrived` so many days ago, or when it began.
    """
    now = time.time()
    item = replace(ITEM, source_id=path, start=time.time() - age * DAY, reported_at=now)
    file = replace(
        wanted(*to, path=path),
        role=role,
        uploads=tuple(UploadPlan(destination_id=each, path=path) for each in to),
    )
    items.plan(connection, item, (file,))
    (upload_id,) = connection.execute(
        "SELECT id FROM uploads WHERE path = ? AND destination_id = ?", (path, to[0])
    ).fetchone()
    moment = item.start if arrived is None else now - arrived * DAY
    outcomes.verified(connection, upload_id, size=size, now=moment)


def states(connection: sqlite3.Connection) -> dict[str, str]:
    """Return the state of each upload to the destination."""
    rows = connection.execute(
        "SELECT path, state FROM uploads WHERE destination_id = 'nas'"
    )
    return {row["path"]: row["state"] for row in rows}


async def filled(
    bench: Bench, nas: FakeDestination, ages: dict[str, float], *, size: int = 5
) -> None:
    """Start without retention, and let files of these ages (days) lie there."""
    bench.timing = replace(FAST, retention=0.02, retention_pause=0.01)
    await bench.start(setup(nas))
    for path, age in ages.items():
        nas.files[path] = b"." * size
        await bench.engine._ledger.run(store, age, path, size=size)  # noqa: SLF001
    await bench.stop()


async def test_foreign_files_stay(bench: Bench, nas: Folders) -> None:
    """Only what the ledger has put there goes, with the folders that are empty then."""
    await filled(bench, nas, {"a/old.mp4": 40, "b/old.mp4": 41, "c/new.mp4": 1})
    nas.files |= {"b/theirs.mp4": b"theirs", "older.mp4": b"theirs"}
    await bench.start(keeping(nas, days=30))
    await until(lambda: "b/old.mp4" not in nas.files and "a/old.mp4" not in nas.files)
    await until(lambda: "a" in nas.removed_folders)
    assert set(nas.files) == {"b/theirs.mp4", "older.mp4", "c/new.mp4"}
    assert nas.removed_folders == ["a"]
    found = await bench.engine._ledger.run(states)  # noqa: SLF001
    assert found == {
        "a/old.mp4": "expired",
        "b/old.mp4": "expired",
        "c/new.mp4": "verified",
    }
    status = bench.status
    assert status.destinations["nas"].failed_uploads == 0
    assert not status.losses


async def test_foreign_files_stay_in_a_real_folder(
    bench: Bench, nas: Folders, tmp_path: Path
) -> None:
    """Whatever they are called, and wherever they lie among ours."""
    root = tmp_path / "nas"
    ours = {"a/old.mp4": 40.0, "b/old.mp4": 41.0, "d/old.mp4": 42.0, "c/new.mp4": 1.0}
    theirs = {"a/.hidden", "b/below/older.mp4", "a/old.mp4.bak", "older.mp4"}
    for path in (*ours, *theirs):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(b".....")
    await filled(bench, nas, ours)
    folder = LocalDestination(
        root, mount_point=await find_mount_point(root), is_allowed=lambda _: True
    )
    await bench.start(replace(keeping(nas, days=30), destination=folder))
    await until(lambda: not (root / "a/old.mp4").exists())
    await until(lambda: not (root / "d").exists())
    await bench.at_rest()
    left = {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}
    assert left == {"c/new.mp4", *theirs}


async def test_the_oldest_go_when_it_is_too_much(bench: Bench, nas: Folders) -> None:
    """By size alone no clock matters; what others put there does not count."""
    await filled(bench, nas, {f"{age}.mp4": age for age in range(1, 60)}, size=10)
    nas.files["theirs.mp4"] = b"." * 1000
    await bench.start(keeping(nas, size=100))
    await until(lambda: len(nas.files) == 11)
    await bench.at_rest()
    assert set(nas.files) == {"theirs.mp4", *(f"{age}.mp4" for age in range(1, 11))}


async def test_a_clock_years_ahead(bench: Bench, nas: Folders) -> None:
    """What is deleted does not come back: such a clock is followed slowly."""
    await filled(bench, nas, {"a.mp4": 2000, "b.mp4": 2020})
    # By our clock both are years old; nothing newer shows that it is right.
    await bench.start(keeping(nas, days=30))
    run = bench.engine._ledger.run  # noqa: SLF001
    first = await run(retention.clock, "nas")
    assert first is not None
    async with promptly():
        while (now := await run(retention.clock, "nas")) == first:
            await asyncio.sleep(0.01)
    assert now is not None
    assert 0 < now - first < DAY
    await bench.at_rest()
    assert set(nas.files) == {"a.mp4", "b.mp4"}


@pytest.mark.parametrize(
    ("known", "clock", "elapsed", "now"),
    [
        (1000, 1060, 60, 1060),
        (1000, 900, 60, 900),
        (1000, 1e9, 3600, 1000 + DAY),
        (1000, 1e9, 0, 1000),
    ],
)
def test_the_time_of_retention(
    known: float, clock: float, elapsed: float, now: float
) -> None:
    """It follows a clock that is behind at once, one that is ahead slowly."""
    assert advanced(known, clock=clock, elapsed=elapsed) == now


@pytest.mark.parametrize("is_set_later", [True, False])
@pytest.mark.parametrize("limit", ["days", "size"])
async def test_frigate_without_a_clock(
    bench: Bench, nas: Folders, limit: str, is_set_later: bool
) -> None:
    """What arrives while its clock shows 1970 is no older for that."""
    bench.timing = replace(FAST, retention=0.02, retention_pause=0.01)
    bench.frigate.clock_offset = time.time() - 1000
    await filled(bench, nas, {"old.mp4": 40, "new.mp4": 0.5}, size=10)
    days, size = (30, 0) if limit == "days" else (0, 10 + len(FULL_IMAGE))
    await bench.start(keeping(nas, days=days, size=size))
    bench.tracked_object(source_id="900.5-unset", start_time=900.5, end_time=910.5)
    await until(lambda: nas.media.keys() - {"old.mp4", "new.mp4"})
    await bench.settled()
    if is_set_later:
        bench.frigate.clock_offset = 0
    if is_set_later or limit == "size":
        await until(lambda: "old.mp4" not in nas.files)
    await bench.at_rest()
    found = await bench.engine._ledger.run(states)  # noqa: SLF001
    assert {path for path, state in found.items() if state == "expired"} <= {"old.mp4"}
    assert len(nas.media.keys() - {"old.mp4"}) == 2


async def test_what_arrives_late_is_as_old_as_its_item(
    bench: Bench, nas: Folders
) -> None:
    """Who may keep something for thirty days may not keep it for longer."""
    await filled(bench, nas, {"new.mp4": 0, "old.mp4": 40})
    await bench.start(keeping(nas))
    ledger = bench.engine._ledger  # noqa: SLF001

    def arrives(connection: sqlite3.Connection) -> None:
        store(connection, 50, "late.mp4", arrived=1)
        store(connection, 29, "young.mp4", arrived=1)

    nas.files |= {"late.mp4": b".....", "young.mp4": b"....."}
    await ledger.run(arrives)
    await bench.stop()
    await bench.start(keeping(nas, days=30))
    await until(lambda: not {"old.mp4", "late.mp4"} & set(nas.files))
    await bench.at_rest()
    assert set(nas.files) == {"new.mp4", "young.mp4"}


def test_no_clock_was_set_at_all(ledger: sqlite3.Connection) -> None:
    """Then a copy ages from when one is."""
    store(ledger, 1, "new.mp4")
    store(ledger, 40, "unset.mp4")
    ledger.execute("UPDATE uploads SET aged_from = 99 WHERE path = 'unset.mp4'")
    retention.keep_clock(ledger, "nas", now=time.time(), earliest=EARLIEST)
    assert expire(ledger) == 0
    live = live_files.begin(
        ledger, "unset.mp4", "nas", base="l.mp4", short_id="l", start=99
    )
    assert live is not None
    live_files.ended(ledger, live.id, held=((99, 100),), size=7)
    assert expire(ledger) == 0
    month_ago = time.time() - 30 * DAY
    assert retention.clock(ledger, "nas", earliest=EARLIEST) is not None
    retention.keep_clock(ledger, "nas", now=99)
    known = retention.clock(ledger, "nas", earliest=EARLIEST)
    assert known is not None
    assert known > month_ago, "as if it were the first time"


@pytest.mark.parametrize(("days", "count"), [(29, 0), (31, 1)])
@pytest.mark.parametrize("ahead", [-1.7e9, 0])
def test_live_film_of_a_frigate_without_a_clock(
    ledger: sqlite3.Connection, days: int, ahead: float, count: int
) -> None:
    """Its age is that by our clock if that is less."""
    store(ledger, 40, "whole.mp4")
    start = time.time() - days * DAY + ahead
    live = live_files.begin(
        ledger,
        "whole.mp4",
        "nas",
        base="l.mp4",
        short_id="l",
        start=start,
        ahead=ahead,
    )
    assert live is not None
    live_files.ended(ledger, live.id, held=((start, start + 1),), size=7)
    before = time.time() - 30 * DAY
    found = retention.expired(ledger, "nas", before=before, most=None)
    assert [copy.is_live for copy in found].count(True) == count


async def test_a_refused_deletion(bench: Bench, nas: Folders) -> None:
    """It keeps nothing else back, no more expires, and it is tried again."""
    ages = {f"{age}.mp4": age for age in range(40, 90)}
    await filled(bench, nas, {"new.mp4": 0, **ages})
    bench.timing = replace(bench.timing, longest_retry=0.1)
    nas.refusal = PermissionDenied("Immutable")
    await bench.start(keeping(nas, days=30))
    await until(lambda: bench.status.destinations["nas"].last_error)
    bench.live_snapshot()
    await until(lambda: len(nas.files) == 52)
    found = await bench.engine._ledger.run(states)  # noqa: SLF001
    assert list(found.values()).count("expired") <= 20
    assert bench.status.destinations["nas"].failing_since is None
    nas.refusal = None
    await until(lambda: len(nas.files) == 2)


async def test_killed_before_the_deletion(bench: Bench, nas: Folders) -> None:
    """What is marked and lies there still is removed at the next start; once."""
    await filled(bench, nas, {"new.mp4": 0, "old.mp4": 40, "gone.mp4": 41})
    del nas.files["gone.mp4"]
    nas.refusal = Unreachable("no answer")
    await bench.start(keeping(nas, days=30))
    await until(lambda: bench.status.destinations["nas"].failing_since)
    await bench.stop()
    assert set(nas.files) == {"new.mp4", "old.mp4"}
    nas.refusal = None
    await bench.start(keeping(nas, days=30))
    await until(lambda: set(nas.files) == {"new.mp4"})


async def test_never_where_nothing_is_deleted(bench: Bench, nas: Folders) -> None:
    """Whatever is stored: append-only counts."""
    await filled(bench, nas, {"new.mp4": 0, "old.mp4": 40})
    kept = replace(
        keeping(nas, days=30), destination=wrapped(nas, append_only=True, can_read=True)
    )
    await bench.start(kept)
    bench.live_snapshot()
    await until(lambda: len(nas.media) == 3)
    await bench.at_rest()
    assert "old.mp4" in nas.files
    assert (await bench.engine._ledger.run(states))["old.mp4"] == "verified"  # noqa: SLF001


async def test_protected_copies_stay(bench: Bench, nas: Folders) -> None:
    """By age and by size; until the owner takes it back."""
    await filled(bench, nas, {"a.mp4": 40, "b.mp4": 41, "c.mp4": 42, "new.mp4": 0})
    await bench.start(setup(nas))
    protect = bench.engine.retention.protect
    assert await protect(ProtectFilter(item_id="nothing"), is_protected=True) == 0
    assert await protect(ProtectFilter(item_id="a.mp4"), is_protected=True) == 1
    day = time.time() - 41 * DAY
    of_day = ProtectFilter(camera=ITEM.camera, start=day - 60, end=day + 60)
    assert await protect(replace(of_day, camera="attic"), is_protected=True) == 0
    assert await protect(of_day, is_protected=True) == 1
    await bench.stop()
    await bench.start(keeping(nas, days=30, size=1))
    await until(lambda: "new.mp4" not in nas.files)
    await bench.at_rest()
    assert set(nas.files) == {"a.mp4", "b.mp4"}
    everything = ProtectFilter(camera=ITEM.camera, end=time.time())
    protect = bench.engine.retention.protect
    assert await protect(everything, is_protected=False) == 4
    await until(lambda: not nas.files)


@pytest.mark.parametrize("days", [30, 45, 0])
async def test_copies_that_were_not_removed_yet_are_spared(
    bench: Bench, nas: Folders, days: int
) -> None:
    """Their time was over, but they were protected, or their owner keeps them longer."""
    await filled(bench, nas, {"new.mp4": 0, "a.mp4": 40, "b.mp4": 41, "c.mp4": 50})
    bench.timing = replace(bench.timing, longest_retry=0.1)
    nas.refusal = PermissionDenied("Immutable")
    await bench.start(keeping(nas, days=30))
    await until(lambda: bench.status.destinations["nas"].last_error)
    ledger = bench.engine._ledger  # noqa: SLF001
    assert list((await ledger.run(states)).values()).count("expired") == 3
    if days == 30:
        protect = bench.engine.retention.protect
        for path in ("a.mp4", "b.mp4"):
            assert await protect(ProtectFilter(item_id=path), is_protected=True) == 1
    else:
        await bench.engine.apply_destinations([keeping(nas, days=days)])
    nas.refusal = None
    kept = {"new.mp4", "a.mp4", "b.mp4"} | ({"c.mp4"} if not days else set())
    if days:
        await until(lambda: "c.mp4" not in nas.files)
    await bench.at_rest()
    assert set(nas.files) == kept

    async def is_kept() -> bool:
        found = await ledger.run(states)
        return {path for path, state in found.items() if state == "verified"} == kept

    # They are looked for, once they may be tried again.
    await until(is_kept)
    assert set(nas.files) == kept


async def test_on_demand(bench: Bench, nas: Folders) -> None:
    """A dry run changes nothing; else it goes now, however long the next look is off."""
    await filled(bench, nas, {"new.mp4": 0})
    bench.timing = replace(bench.timing, retention=3600)
    await bench.start(keeping(nas, days=30))
    await bench.at_rest()
    for number in range(45):
        path = f"{number}.mp4"
        nas.files[path] = b"....."
        await bench.engine._ledger.run(store, 40 + number, path)  # noqa: SLF001
    ask = bench.engine.retention.expired
    for _ in range(2):
        found = await ask(None, limit=2, apply=False)
        assert (found["nas"].count, found["nas"].size) == (45, 225)
        assert [row.path for row in found["nas"].rows] == ["44.mp4", "43.mp4"]
    await bench.at_rest()
    assert len(nas.files) == 46
    assert (await ask("nas", limit=2, apply=True))["nas"].count == 45
    await until(lambda: set(nas.files) == {"new.mp4"})


async def test_a_destination_that_removes_slowly(bench: Bench, nas: Folders) -> None:
    """What waits for its removal keeps the next back only until it is gone."""
    old = {f"{age}.mp4": float(age) for age in range(40, 100)}
    await filled(bench, nas, {"new.mp4": 0, **old})
    delete = nas.delete

    async def delete_slowly(path: str) -> None:
        await asyncio.sleep(0.02)
        await delete(path)

    nas.delete = delete_slowly  # type: ignore[method-assign]
    bench.timing = replace(bench.timing, retention=3600)
    await bench.start(keeping(nas, days=30))
    await until(lambda: set(nas.files) == {"new.mp4"})


async def test_nothing_to_apply(bench: Bench, nas: Folders) -> None:
    """Where nothing is ever deleted, that is said."""
    await bench.start(setup(nas))
    with pytest.raises(Refused) as refused:
        await bench.engine.retention.expired(None, limit=1, apply=True)
    assert refused.value.code is Refusal.NO_RETENTION


@pytest.fixture
def ledger(connection: sqlite3.Connection) -> sqlite3.Connection:
    """Return a ledger with two destinations."""
    destinations.keep_destinations(connection, ["nas", "cloud"], now=0)
    return connection


def expire(
    connection: sqlite3.Connection, *, at_once: int = 9, more: bool = False
) -> int:
    """Let what is over thirty days old expire; is there `more` of it?"""
    count, has_more = retention.expire(
        connection,
        "nas",
        before=time.time() - 30 * DAY,
        most=None,
        at_once=at_once,
        now=time.time(),
    )
    assert has_more is more
    return count


def test_the_only_copy_of_what_another_waits_for(ledger: sqlite3.Connection) -> None:
    """It stays until the other has it, or has given it up; so do parts."""
    store(ledger, 40, "whole.mp4", to=("nas", "cloud"))
    store(ledger, 40, "part.mp4", to=("nas", "cloud"), role=Role.PART)
    assert expire(ledger) == 0
    for row in ledger.execute(
        "SELECT id FROM uploads WHERE destination_id = 'cloud'"
    ).fetchall():
        outcomes.verified(ledger, row["id"], size=5, now=time.time())
    assert expire(ledger) == 2


def test_protected_copies_do_not_count(ledger: sqlite3.Connection) -> None:
    """More of them than the limit leave what is new there."""
    store(ledger, 40, "kept.mp4", size=100)
    store(ledger, 1, "new.mp4", size=5)

    def over() -> list[str]:
        found = retention.expired(ledger, "nas", before=None, most=10)
        return [copy.path for copy in found]

    kept = ProtectFilter(item_id="kept.mp4")
    assert sparing.protect(ledger, kept, is_protected=True) == 1
    assert over() == []
    assert sparing.protect(ledger, kept, is_protected=False) == 1
    assert over() == ["kept.mp4"]


def test_no_more_than_some_at_once(ledger: sqlite3.Connection) -> None:
    """What is to be removed already counts."""
    for number in range(5):
        store(ledger, 40 + number, f"{number}.mp4")
    assert expire(ledger, at_once=2, more=True) == 2
    assert expire(ledger, at_once=2, more=True) == 0
    assert states(ledger)["4.mp4"] == states(ledger)["3.mp4"] == "expired"
    ledger.execute("UPDATE uploads SET clean_up = NULL")
    assert expire(ledger, at_once=9) == 3


def test_counts_of_copies_are_right(ledger: sqlite3.Connection) -> None:
    """Whatever changes an upload."""

    def counts() -> tuple[int, int]:
        (stored,) = ledger.execute(
            "SELECT stored_bytes FROM destinations WHERE id = 'nas'"
        ).fetchone()
        (copies,) = ledger.execute("SELECT SUM(copies) FROM items").fetchone()
        return stored, copies

    store(ledger, 40, "a.mp4", size=7)
    store(ledger, 1, "b.mp4", size=9)
    assert counts() == (16, 2)
    assert expire(ledger) == 1
    assert counts() == (9, 1)
    ledger.execute("DELETE FROM uploads WHERE path = 'b.mp4'")
    assert counts() == (0, 0)


@pytest.mark.parametrize("end", ["expired", "removed"])
def test_what_lies_somewhere_is_remembered(
    ledger: sqlite3.Connection, end: str
) -> None:
    """However old it is; until its copy has expired, or its destination is removed."""
    store(ledger, 400, "a.mp4")
    ledger.execute("UPDATE files SET state = 'released'")
    assert prune(ledger, before=time.time(), limit=9) == 0
    if end == "expired":
        assert expire(ledger) == 1
        assert prune(ledger, before=time.time(), limit=9) == 0
        ledger.execute("UPDATE uploads SET clean_up = NULL")
    else:
        destinations.keep_destinations(ledger, ["cloud"], now=5)
        assert prune(ledger, before=time.time(), limit=9) == 0
        assert forget_copies(ledger, before=time.time(), limit=9) == 1
        assert forget_copies(ledger, before=time.time(), limit=9) == 0
    assert prune(ledger, before=time.time(), limit=9) == 1


@pytest.mark.parametrize(
    ("path", "fixed", "folders"),
    [
        ("2026-11-22/a.mp4", "", ["2026-11-22"]),
        ("x/2026/11/a.mp4", "x", ["x/2026/11", "x/2026"]),
        ("x/a.mp4", "x", []),
        ("other/2026/a.mp4", "x", []),
        ("a.mp4", "", []),
    ],
)
def test_folders_that_names_make(path: str, fixed: str, folders: list[str]) -> None:
    """Those that all names share stay."""
    layout = Layout(branches=(Branch(today=fixed, fixed=fixed),))
    assert changing_folders(path, layout) == folders
