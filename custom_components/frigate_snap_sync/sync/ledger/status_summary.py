"""What the ledger shows of all destinations and cameras at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
import sqlite3

from ..model.drill import CameraDrill
from ..model.status import CameraStatus, DestinationStatus, LastError, Losses, utc
from . import closed_periods, drills, exposure, losses
from .milestones import FIRST_REVIEW, LAST_REVIEW, SINCE
from .off_periods import capture_on


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusSummary:
    """What the ledger knows of the status; the engine adds what is live."""

    capture: bool = True
    cameras: Mapping[str, CameraStatus] = field(default_factory=dict)
    destinations: Mapping[str, DestinationStatus] = field(default_factory=dict)
    unprotected_since: float | None = None
    """When the upload was to leave that has been missing longest."""
    losses: Losses = field(default_factory=Losses)
    drills: Sequence[CameraDrill] = ()
    """The last of each camera."""
    last_review: datetime | None = None
    """When Frigate last reported a review that a destination wants."""
    first_review: datetime | None = None
    """When it reported the first such review after the last upload."""
    since: datetime | None = None
    """Since when there has been a destination, of those that there are; None: none is."""


def summary(connection: sqlite3.Connection) -> StatusSummary:
    """Return all counters; what waits is not among them.

    Its cost grows with what waits and what has failed, not with what has arrived.
    """
    failed = dict(
        connection.execute(
            "SELECT destination_id, COUNT(*) FROM uploads"
            " WHERE state IN ('gone', 'dropped', 'incomplete') GROUP BY destination_id"
        ).fetchall()
    )
    moments = dict(connection.execute("SELECT name, moment FROM milestones").fetchall())
    closed = closed_periods.closed(connection)
    destinations = {
        row["id"]: DestinationStatus(
            sending=bool(row["sending"]),
            closed=row["id"] in closed,
            live_snapshots_uploaded=row["live_snapshots_uploaded"],
            snapshots_uploaded=row["snapshots_uploaded"],
            recordings_uploaded=row["recordings_uploaded"],
            data_uploaded=row["data_uploaded"],
            failed_uploads=failed.get(row["id"], 0),
            last_upload=utc(row["last_upload"]),
            last_error=_last_error(row),
        )
        for row in connection.execute("SELECT * FROM destinations")
    }
    cameras = {
        row["name"]: CameraStatus(
            name=row["name"],
            snapshots_uploaded=row["snapshots_uploaded"],
            recordings_uploaded=row["recordings_uploaded"],
            last_upload=utc(row["last_upload"]),
        )
        for row in connection.execute("SELECT * FROM cameras WHERE is_shown = 1")
    }
    return StatusSummary(
        capture=capture_on(connection),
        cameras=cameras,
        destinations=destinations,
        unprotected_since=exposure.unprotected_since(connection),
        losses=losses.losses(connection),
        drills=drills.last(connection),
        last_review=utc(moments.get(LAST_REVIEW)),
        first_review=utc(moments.get(FIRST_REVIEW)),
        since=utc(_since(connection, moments.get(SINCE))),
    )


def _last_error(row: sqlite3.Row) -> LastError | None:
    if row["last_error"] is None:
        return None
    return LastError(
        code=row["last_error"],
        text=row["last_error_text"],
        file=row["last_error_file"],
        time=datetime.fromtimestamp(row["last_error_at"], UTC),
    )


def _since(connection: sqlite3.Connection, made: float | None) -> float | None:
    """Return when the oldest destination was added to an entry that was `made` then."""
    (added,) = connection.execute("SELECT MIN(since) FROM destinations").fetchone()
    return None if made is None or added is None else max(made, added)


def counts_by_state(connection: sqlite3.Connection) -> dict[str, dict[str, int]]:
    """Return the number of files and uploads per state (reads the whole history)."""
    count_files = "SELECT state, COUNT(*) FROM files GROUP BY state"
    count_uploads = "SELECT state, COUNT(*) FROM uploads GROUP BY state"
    return {
        "files": dict(connection.execute(count_files).fetchall()),
        "uploads": dict(connection.execute(count_uploads).fetchall()),
    }
