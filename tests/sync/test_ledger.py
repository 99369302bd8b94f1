"""The ledger's file: versions, damage, transactions; and what its jobs do."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
import errno
from pathlib import Path
import sqlite3
import threading
from typing import Never

import pytest

from custom_components.frigate_snap_sync.frigate.models import Severity
from custom_components.frigate_snap_sync.sync.ledger import (
    Ledger,
    LedgerError,
    cameras,
    database,
    destinations,
    fetch_queue,
    items,
    off_periods,
    outcomes,
    schema,
    spooled_files,
    status_summary,
    uploads,
)
from custom_components.frigate_snap_sync.sync.model import plans
from custom_components.frigate_snap_sync.sync.model.item import (
    Item,
    Media,
    Rank,
    Role,
    UploadState,
)
from custom_components.frigate_snap_sync.sync.model.plans import (
    FilePlan,
    FileState,
    UploadPlan,
)

from ..waiting import LONG, promptly, until

ITEM = Item(
    media=Media.RECORDINGS,
    source_id="1000.5-abc123",
    camera="front_door",
    label="",
    labels=frozenset({"person", "traffic light"}),
    zones=frozenset({"porch"}),
    severity=Severity.ALERT,
    start=1000.5,
    end=1020.25,
    told=1030.0,
)


STILLS = (Rank.LIVE_SNAPSHOT, Rank.SNAPSHOT)
CLIPS = (Rank.ALERT_CLIP, Rank.DETECTION_CLIP)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of a ledger in a folder that is still to be made."""
    return tmp_path / "ledgers" / "one.db"


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    """Return an empty ledger in memory, with a camera and two destinations."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.row_factory = sqlite3.Row
    schema.migrate(connection)
    cameras.see_camera(connection, "front_door")
    destinations.keep_destinations(connection, ["nas", "cloud"], now=0)
    yield connection
    connection.close()


def wanted(
    *destinations: str, number: int = 1, path: str = "a/b.mp4", due: float = 0
) -> FilePlan:
    """Return a file that these destinations wait for."""
    return FilePlan(
        state=FileState.WANTED,
        number=number,
        start=995,
        end=1026,
        due=due,
        uploads=tuple(
            UploadPlan(destination_id=name, path=path) for name in destinations
        ),
    )


def fetch(connection: sqlite3.Connection, file_id: int) -> list[str]:
    """Let the spool have a file."""
    return fetch_queue.fetched(
        connection, file_id, spool_name=f"s{file_id}", size=7, sha256="00"
    )


def job(
    connection: sqlite3.Connection, destination: str, *, stills: bool = False
) -> uploads.UploadJob:
    """Return the one upload that is ready for a destination."""
    (found,) = uploads.next_uploads(
        connection,
        destination,
        ranks=STILLS if stills else CLIPS,
        now=1e9,
        exclude=(),
        limit=9,
    )
    return found


async def test_what_was_told_is_there_after_a_restart(path: Path) -> None:
    """Also while a review goes on."""
    running = replace(ITEM, end=None)
    ledger = Ledger(path)
    await ledger.open()
    await ledger.run(items.remember_open, running)
    await ledger.close()
    ledger = Ledger(path)
    await ledger.open()
    assert await ledger.run(items.review, ITEM.source_id) == (running, True)
    assert await ledger.run(items.open_reviews) == [running]
    await ledger.close()
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA user_version").fetchone() == (schema.VERSION,)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


async def test_a_failing_job_changes_nothing(path: Path) -> None:
    """A job is one transaction."""

    def fail(connection: sqlite3.Connection) -> Never:
        items.remember_open(connection, ITEM)
        raise RuntimeError("in the middle")

    ledger = Ledger(path)
    await ledger.open()
    with pytest.raises(RuntimeError):
        await ledger.run(fail)
    assert await ledger.run(items.open_reviews) == []
    await ledger.close()


async def test_a_job_once_begun_is_finished(path: Path) -> None:
    """Also if nobody waits for it any more."""
    begun, go_on = threading.Event(), threading.Event()

    def slow(connection: sqlite3.Connection) -> None:
        begun.set()
        go_on.wait(5)
        items.remember_open(connection, ITEM)

    ledger = Ledger(path)
    await ledger.open()
    task = asyncio.create_task(ledger.run(slow))
    await asyncio.to_thread(begun.wait, 5)
    task.cancel()
    go_on.set()
    assert len(await ledger.run(items.open_reviews)) == 1
    with pytest.raises(asyncio.CancelledError):
        await task
    await ledger.close()


class Pause:
    """Holds the ledger's thread, so that the jobs after it wait together."""

    def __init__(self) -> None:
        """Hold it until `over`."""
        self.begun, self.over = threading.Event(), threading.Event()
        self.statements: list[str] = []

    def job(self, connection: sqlite3.Connection) -> None:
        """Wait; then note what SQLite does."""
        connection.set_trace_callback(self.statements.append)
        self.begun.set()
        self.over.wait(2 * LONG)

    async def gather(
        self, ledger: Ledger, *jobs: Callable[[sqlite3.Connection], object]
    ) -> list[object]:
        """Return what becomes of jobs that had to wait."""
        pause = asyncio.create_task(ledger.run(self.job))
        await asyncio.to_thread(self.begun.wait, LONG)
        tasks = [asyncio.create_task(ledger.run(job)) for job in jobs]
        await asyncio.sleep(0)
        self.over.set()
        await pause
        return [*await asyncio.gather(*tasks, return_exceptions=True)]


def remember(number: int) -> Callable[[sqlite3.Connection], int]:
    """Return a job that keeps an open review and returns its number."""

    def job(connection: sqlite3.Connection) -> int:
        items.remember_open(connection, replace(ITEM, source_id=str(number)))
        return number

    return job


async def test_jobs_that_wait_share_a_commit(path: Path) -> None:
    """A flush of the disk takes longer than all of them."""
    ledger = Ledger(path)
    await ledger.open()
    pause = Pause()
    assert await pause.gather(ledger, *map(remember, range(50))) == list(range(50))
    # That of the pause, and that of the fifty.
    assert pause.statements.count("COMMIT") == 2
    assert len(await ledger.run(items.open_reviews)) == 50
    await ledger.close()


async def test_a_job_that_fails_leaves_those_beside_it_alone(path: Path) -> None:
    """Each is done wholly or not at all, for itself."""

    def fail(connection: sqlite3.Connection) -> Never:
        remember(9)(connection)
        raise RuntimeError("in the middle")

    ledger = Ledger(path)
    await ledger.open()
    one, error, other = await Pause().gather(ledger, remember(1), fail, remember(2))
    assert (one, other) == (1, 2)
    assert isinstance(error, RuntimeError)
    reviews = await ledger.run(items.open_reviews)
    assert [review.source_id for review in reviews] == ["1", "2"]
    await ledger.close()


async def test_nobody_is_told_of_success_that_was_undone(path: Path) -> None:
    """SQLite undoes all that shares a transaction where a disk is at its end."""

    def give_up(connection: sqlite3.Connection) -> Never:
        connection.rollback()
        raise sqlite3.OperationalError("database or disk is full")

    ledger = Ledger(path)
    await ledger.open()
    told = await Pause().gather(ledger, remember(1), give_up, remember(2))
    assert [type(each) for each in told] == [LedgerError] * 3
    assert await ledger.run(items.open_reviews) == []
    assert await ledger.run(remember(1)) == 1
    await ledger.close()


async def test_each_commit_is_flushed(path: Path) -> None:
    """In WAL mode SQLite does so at FULL alone: NORMAL loses the last ones."""
    ledger = Ledger(path)
    await ledger.open()
    pragma = (
        "SELECT journal_mode, synchronous FROM pragma_journal_mode, pragma_synchronous"
    )
    found = await ledger.run(lambda connection: connection.execute(pragma).fetchone())
    assert tuple(found) == ("wal", 2)
    await ledger.close()


@pytest.mark.parametrize("garbage", [b"not a database" * 100, b"\0" * 8192])
async def test_a_damaged_file_is_set_aside(
    path: Path, garbage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """With a word about it; nothing is thrown away."""
    path.parent.mkdir()
    path.write_bytes(garbage)
    ledger = Ledger(path)
    await ledger.open()
    await ledger.run(items.remember_open, ITEM)
    await ledger.close()
    (aside,) = path.parent.glob("one.db.corrupt-*")
    assert aside.read_bytes() == garbage
    assert "set aside" in caplog.text


async def damaged(path: Path) -> None:
    """Make a ledger whose items can't be read, closed in order."""
    ledger = Ledger(path)
    await ledger.open()
    await ledger.run(remember(1))
    root, size = await ledger.run(
        lambda connection: connection.execute(
            "SELECT rootpage, page_size FROM sqlite_master, pragma_page_size"
            " WHERE name = 'items'"
        ).fetchone()
    )
    await ledger.close()
    with path.open("r+b") as file:
        file.seek((root - 1) * size)
        file.write(b"\xff" * size)


async def test_damage_that_is_found_in_use_is_mended_at_the_next_start(
    path: Path,
) -> None:
    """A start does not read all of a sound file: that may be long."""
    await damaged(path)
    ledger = Ledger(path)
    await ledger.open()
    assert not ledger.was_replaced
    with pytest.raises(LedgerError, match="malformed"):
        await ledger.run(items.open_reviews)
    await ledger.close()
    ledger = Ledger(path)
    await ledger.open()
    assert ledger.was_replaced
    assert await ledger.run(items.open_reviews) == []
    await ledger.close()
    ledger = Ledger(path)
    await ledger.open()
    assert not ledger.was_replaced
    await ledger.close()


async def test_an_index_that_lost_something_is_made_anew(path: Path) -> None:
    """Its table still has it; nothing is lost, and nothing set aside."""
    ledger = Ledger(path)
    await ledger.open()
    await ledger.run(remember(1))
    await ledger.close()
    connection = sqlite3.connect(path, isolation_level=None)
    index = "open_items"
    (sql,) = connection.execute(
        "SELECT sql FROM sqlite_master WHERE name = ?", (index,)
    ).fetchone()
    connection.execute("PRAGMA writable_schema = ON")
    change = "UPDATE sqlite_master SET sql = ? WHERE name = ?"
    connection.execute(change, (sql.replace("is_open = 1", "is_open = 9"), index))
    connection.close()
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(f"REINDEX {index}")
    connection.execute("PRAGMA writable_schema = ON")
    connection.execute(change, (sql, index))
    connection.close()
    ledger = Ledger(path)
    await ledger.open()
    assert await ledger.run(items.open_reviews) == []
    await ledger.close()
    path.with_name("one.db.suspect").touch()
    ledger = Ledger(path)
    await ledger.open()
    assert not ledger.was_replaced
    assert len(await ledger.run(items.open_reviews)) == 1
    await ledger.close()
    assert not path.with_name("one.db.suspect").exists()


async def test_damage_on_a_disk_that_can_not_be_written(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has the one class of error that everybody knows how to take."""
    await damaged(path)
    ledger = Ledger(path)
    await ledger.open()

    def refuse(path: Path, *args: object, **kwargs: object) -> Never:
        raise OSError(errno.EROFS, "Read-only file system", str(path))

    monkeypatch.setattr(Path, "touch", refuse)
    with pytest.raises(LedgerError, match="malformed"):
        await ledger.run(items.open_reviews)
    await ledger.close()
    monkeypatch.undo()
    path.with_name("one.db-wal").touch()
    monkeypatch.setattr(Path, "rename", refuse)
    ledger = Ledger(path)
    with pytest.raises(LedgerError, match="Read-only"):
        await ledger.open()
    await ledger.close()


async def test_a_disk_that_hangs_holds_up_no_stop(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was begun is finished by itself, and the file closed after it."""
    monkeypatch.setattr(database, "CLOSE_TIMEOUT", 0.1)
    ledger = Ledger(path)
    await ledger.open()
    pause = Pause()
    job = asyncio.create_task(ledger.run(pause.job))
    await asyncio.to_thread(pause.begun.wait, LONG)
    async with promptly():
        await ledger.close()
    pause.over.set()
    await job
    await until(lambda: not path.with_name("one.db-wal").exists())


async def test_a_job_that_nobody_waits_for_is_left_out(path: Path) -> None:
    """One that has not begun when its caller is cancelled; others go on."""
    ledger = Ledger(path)
    await ledger.open()
    pause = Pause()
    held = asyncio.create_task(ledger.run(pause.job))
    await asyncio.to_thread(pause.begun.wait, LONG)
    cancelled = asyncio.create_task(ledger.run(remember(1)))
    other = asyncio.create_task(ledger.run(remember(2)))
    await asyncio.sleep(0)
    cancelled.cancel()
    await asyncio.sleep(0)
    pause.over.set()
    async with promptly():
        await held
        assert await other == 2
    reviews = await ledger.run(items.open_reviews)
    assert [review.source_id for review in reviews] == ["2"]
    await ledger.close()


async def test_a_ledger_that_was_not_closed_is_looked_at_as_a_whole(
    path: Path,
) -> None:
    """The power failed, and who knows what the disk made of it."""
    await damaged(path)
    path.with_name("one.db-wal").touch()
    ledger = Ledger(path)
    await ledger.open()
    assert ledger.was_replaced
    await ledger.close()


async def test_a_newer_ledger_is_left_alone(path: Path) -> None:
    """Its owner went back to an older version."""
    path.parent.mkdir()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 999")
    connection.close()
    ledger = Ledger(path)
    with pytest.raises(LedgerError, match="newer version"):
        await ledger.open()
    await ledger.close()
    assert list(path.parent.iterdir()) == [path]


async def test_a_ledger_that_can_not_be_made(path: Path) -> None:
    """A file where its folder should be; and one that is not open."""
    path.parent.write_text("in the way")
    ledger = Ledger(path)
    with pytest.raises(LedgerError):
        await ledger.open()
    with pytest.raises(LedgerError, match="not open"):
        await ledger.run(items.open_reviews)
    await ledger.close()
    await ledger.close()
    with pytest.raises(LedgerError, match="closed"):
        await ledger.run(items.open_reviews)


async def test_sqlite_s_errors_have_one_class(path: Path) -> None:
    """Whoever calls needs to know only one."""

    def fail(connection: sqlite3.Connection) -> None:
        connection.execute("SELECT * FROM nowhere")

    ledger = Ledger(path)
    await ledger.open()
    with pytest.raises(LedgerError, match="nowhere"):
        await ledger.run(fail)
    await ledger.close()


async def test_a_locked_file_is_not_damaged(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It must not be set aside."""
    ledger = Ledger(path)
    await ledger.open()
    await ledger.close()
    blocker = sqlite3.connect(path, isolation_level=None)
    blocker.execute("PRAGMA journal_mode = DELETE")
    blocker.execute("BEGIN EXCLUSIVE")
    other = Ledger(path)
    connect = sqlite3.connect
    monkeypatch.setattr(
        sqlite3, "connect", lambda *a, **kw: connect(*a, **(kw | {"timeout": 0}))
    )
    with pytest.raises(LedgerError, match="locked"):
        await other.open()
    await other.close()
    blocker.close()
    assert not list(path.parent.glob("*corrupt*"))


def test_a_planned_item_is_planned_once(connection: sqlite3.Connection) -> None:
    """However often its end is told."""
    assert items.plan(connection, ITEM, (wanted("nas"),))
    assert not items.plan(connection, ITEM, (wanted("nas"),))
    items.remember_open(connection, ITEM)
    assert items.review(connection, ITEM.source_id) == (ITEM, False)
    assert items.is_known(connection, ITEM)
    assert not items.is_known(connection, replace(ITEM, media=Media.SNAPSHOTS))
    assert (
        len(
            fetch_queue.next_fetches(
                connection, now=1, ranks=list(Rank), exclude=(), limit=9
            )
        )
        == 1
    )


def test_two_items_never_share_a_name(connection: sqlite3.Connection) -> None:
    """Nor do they on a share that doesn't tell upper from lower case."""
    for number, path in enumerate(("a/b.mp4", "A/B.mp4", "a/b.mp4")):
        item = replace(ITEM, source_id=f"{number}-same")
        items.plan(connection, item, (wanted("nas", path=path),))
        items.plan(
            connection,
            replace(item, media=Media.SNAPSHOTS),
            (wanted("cloud", path="x.jpg"),),
        )
    paths = [
        row[0] for row in connection.execute("SELECT path FROM uploads ORDER BY id")
    ]
    assert paths == [
        "a/b.mp4",
        "x.jpg",
        "A/B-same.mp4",
        "x-same.jpg",
        "a/b-same-2.mp4",
        "x-same-2.jpg",
    ]


def test_fetches_come_in_the_order_of_work(connection: sqlite3.Connection) -> None:
    """Rank first, then time; none before it is due, none that is under way."""
    plans = [
        (replace(ITEM, source_id="1-a", severity=Severity.DETECTION), 1.0),
        (replace(ITEM, source_id="2-b"), 5.0),
        (replace(ITEM, source_id="3-c"), 4.0),
        (replace(ITEM, source_id="4-d"), 99.0),
        (replace(ITEM, source_id="5-e", media=Media.SNAPSHOTS), 5.0),
    ]
    for item, due in plans:
        file = wanted("nas", path=f"{item.source_id}.mp4", due=due)
        items.plan(connection, item, (file,))
    found = fetch_queue.next_fetches(
        connection, now=10, ranks=list(Rank), exclude=(), limit=9
    )
    assert [one.item.source_id for one in found] == ["5-e", "3-c", "2-b", "1-a"]
    rest = fetch_queue.next_fetches(
        connection, now=10, ranks=list(Rank), exclude=[found[0].file_id], limit=1
    )
    assert rest == [found[1]]
    assert (rest[0].start, rest[0].end) == (995, 1026)
    assert fetch_queue.next_due(connection, after=10) == 99
    assert fetch_queue.next_due(connection, after=99) is None
    fetch_queue.postpone(connection, found[0].file_id, due=20, error="not yet")
    assert fetch_queue.next_due(connection, after=10) == 20
    again = fetch_queue.next_fetches(
        connection, now=20, ranks=list(Rank), exclude=(), limit=1
    )[0]
    assert (again.item.source_id, again.attempts) == ("5-e", 1)


def test_a_file_is_kept_until_the_last_destination_has_it(
    connection: sqlite3.Connection,
) -> None:
    """And counted for its camera only then."""
    items.plan(connection, ITEM, (wanted("nas", "cloud"),))
    assert sorted(fetch(connection, 1)) == ["cloud", "nas"]
    assert spooled_files.spool_names(connection) == {"s1"}
    nas = job(connection, "nas")
    assert (nas.spool_name, nas.content.size, nas.attempts) == ("s1", 7, 0)
    uploads.started(connection, nas.upload_id, temporary="a/.x.tmp")
    assert job(connection, "nas").temporary == "a/.x.tmp"
    assert outcomes.verified(connection, nas.upload_id, size=7, now=50) == []
    assert (
        status_summary.summary(connection).cameras["front_door"].recordings_uploaded
        == 0
    )
    cloud = job(connection, "cloud")
    assert outcomes.verified(connection, cloud.upload_id, size=7, now=60) == ["s1"]
    assert outcomes.verified(connection, cloud.upload_id, size=7, now=70) == []
    summary = status_summary.summary(connection)
    assert summary.cameras["front_door"].recordings_uploaded == 1
    assert summary.destinations["nas"].recordings_uploaded == 1
    assert summary.destinations["cloud"].data_uploaded == 7
    assert spooled_files.spool_names(connection) == set()


def test_a_removed_destination_keeps_nothing_back(
    connection: sqlite3.Connection,
) -> None:
    """What only it waited for goes; what all others have counts now."""
    items.plan(connection, ITEM, (wanted("nas", "cloud"),))
    items.plan(
        connection, replace(ITEM, source_id="2-b"), (wanted("cloud", path="c.mp4"),)
    )
    fetch(connection, 1)
    fetch(connection, 2)
    nas = job(connection, "nas")
    outcomes.verified(connection, nas.upload_id, size=7, now=50)
    freed = destinations.keep_destinations(connection, ["nas"], now=60)
    assert sorted(freed) == ["s1", "s2"]
    summary = status_summary.summary(connection)
    assert set(summary.destinations) == {"nas"}
    assert summary.cameras["front_door"].recordings_uploaded == 1
    assert fetch(connection, 2) == []


def test_retries_wait_for_their_time(connection: sqlite3.Connection) -> None:
    """One refused file doesn't hold up the next."""
    items.plan(connection, ITEM, (wanted("nas"),))
    fetch(connection, 1)
    nas = job(connection, "nas")
    uploads.failed(connection, nas.upload_id, retry_at=100, reason="no")
    assert not uploads.next_uploads(
        connection, "nas", ranks=CLIPS, now=50, exclude=(), limit=1
    )
    assert uploads.next_retry(connection, "nas", after=50) == 100
    assert uploads.next_retry(connection, "nas", after=100) is None
    assert uploads.next_uploads(
        connection, "nas", ranks=CLIPS, now=100, exclude=(), limit=1
    )
    assert not uploads.next_uploads(
        connection, "nas", ranks=STILLS, now=100, exclude=(), limit=1
    )


def test_the_owner_s_switch_has_a_history(connection: sqlite3.Connection) -> None:
    """Catching up later must know when it was off."""
    assert off_periods.capture_on(connection)
    off_periods.set_capture(connection, False, now=100)
    off_periods.set_capture(connection, False, now=150)
    assert not off_periods.capture_on(connection)
    assert off_periods.was_off(connection, 1e9)
    off_periods.set_capture(connection, True, now=200)
    off_periods.set_capture(connection, True, now=250)
    assert off_periods.capture_on(connection)
    moments = (99, 100, 199, 200, 300)
    assert [off_periods.was_off(connection, moment) for moment in moments] == [
        False,
        True,
        True,
        False,
        False,
    ]


def test_ended_uploads_say_why(connection: sqlite3.Connection) -> None:
    """For whoever looks into the ledger later."""
    items.plan(connection, ITEM, (wanted("nas"),))
    outcomes.finish(connection, 1, UploadState.DROPPED, "no room", now=9)
    row = connection.execute("SELECT state, reason, finished FROM uploads").fetchone()
    assert tuple(row) == ("dropped", "no room", 9)


def test_what_a_killed_try_left_of_a_superseded_part_is_removed(
    connection: sqlite3.Connection,
) -> None:
    """Nobody would try the part again, and so nobody would remove it."""
    plan = FilePlan(
        state=FileState.WANTED,
        start=995,
        end=1010,
        role=Role.PART,
        suffix="-part001",
        uploads=(UploadPlan(destination_id="nas", path="a/b.mp4"),),
    )
    items.remember_open(connection, replace(ITEM, end=None))
    items.add_files(connection, ITEM, (plan,))
    fetch(connection, 1)
    (part,) = uploads.next_uploads(
        connection,
        "nas",
        ranks=(Rank.ALERT_PART, Rank.DETECTION_PART),
        now=50,
        exclude=(),
        limit=1,
    )
    uploads.started(connection, part.upload_id, temporary="a/b.part")
    items.plan(connection, ITEM, (wanted("nas"),))
    fetch(connection, 2)
    outcomes.verified(connection, job(connection, "nas").upload_id, size=7, now=60)
    leftover = uploads.next_leftover(connection, "nas", exclude=())
    assert leftover is not None
    assert leftover.temporary == "a/b.part"
    assert leftover.what is plans.ToRemove.FILE
    uploads.removed(connection, leftover.upload_id, temporary=leftover.temporary)
    assert uploads.next_leftover(connection, "nas", exclude=()) is None


async def test_a_ledger_from_before_the_first_release_is_set_aside(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody outside has one; it must not stop the integration from starting."""
    path.parent.mkdir()
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE items (id)")
    connection.execute("PRAGMA user_version = 2")
    connection.close()
    ledger = Ledger(path)
    await ledger.open()
    assert await ledger.run(destinations.since) == {}
    assert ledger.was_replaced
    await ledger.close()
    assert len(list(path.parent.glob("one.db.corrupt-*"))) == 1
    assert caplog.text.count("never released") == 1
