"""A ledger in a test: items to plan, jobs to run, files to fetch."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
import sqlite3
import threading

from custom_components.frigate_snap_sync.sync.ledger import (
    Ledger,
    fetch_queue,
    items,
    schema,
    uploads,
)
from custom_components.frigate_snap_sync.sync.model.item import Media
from custom_components.frigate_snap_sync.sync.model.plans import (
    FilePlan,
    FileState,
    UploadPlan,
)
from custom_components.frigate_snap_sync.sync.model.rank import Rank

from ..waiting import LONG
from .samples import ITEM

STILLS = (Rank.LIVE_SNAPSHOT, Rank.SNAPSHOT)
CLIPS = (Rank.ALERT_CLIP, Rank.DETECTION_CLIP)


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


def with_copies(
    count: int, *, media: Media, seconds: float, counted: bool = True
) -> sqlite3.Connection:
    """Return a ledger of so many items, each that many `seconds` later than the last.

    A copy of each lies at `nas`. Where that need not be `counted` it takes less long.
    """
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.row_factory = sqlite3.Row
    schema.migrate(connection)
    if not counted:
        connection.executescript(
            "DROP TRIGGER copy_changed; DROP TRIGGER copy_forgotten;"
        )
    connection.execute(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)"
        " INSERT INTO items (id, media, source_id, camera, label, labels, zones, start,"
        " reported_at, is_open, copies) SELECT i, ?3, i, 'camera ' || i % 10, 'person',"
        " '[\"person\"]', '[]', i * ?2, 0, 0, ?4 FROM n",
        (count, seconds, media, not counted),
    )
    connection.executescript(
        "INSERT INTO files (id, item_id, role, number, rank, state, due)"
        " SELECT id, id, 'whole', 1, 0, 'released', 0 FROM items;"
        "INSERT INTO uploads (item_id, file_id, destination_id, role, base, path,"
        " path_key, state, rank, expected_at, size, item_start, finished) SELECT id, id,"
        " 'nas', 'whole', '', id, id, 'verified', 0, 0, 7, start, start FROM items;"
    )
    return connection
