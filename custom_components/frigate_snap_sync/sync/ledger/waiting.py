"""Waiting: the pending uploads that are not on their way as planned."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
import sqlite3
from typing import Final

_FAR: Final = 300.0
"""Nothing is planned to leave so far ahead: then the clock was set back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What waits: how much for each destination, and since when.

    `next` is when something more will wait unless it leaves before. Moments are
    epoch seconds. `is_ahead` tells that something was planned by a clock that has
    been set back since.
    """

    counts: Mapping[str, int] = field(default_factory=dict)
    since: float | None = None
    next: float | None = None
    is_ahead: bool = False


def waiting(
    connection: sqlite3.Connection,
    *,
    now: float,
    late: float,
    failing: Collection[str],
    frigate_is_away: bool,
) -> Waiting:
    """Return what waits.

    For a destination that is paused or `failing`, or whose budget holds them back, and
    for a Frigate that is away, uploads wait as soon as they were to leave; else once
    they are `late` by so many seconds.
    """
    counts: dict[str, int] = {}
    oldest: list[float] = []
    coming: list[float] = []
    is_ahead = False
    for row in connection.execute("SELECT id, sending FROM destinations").fetchall():
        is_stuck = not row["sending"] or row["id"] in failing
        grace = 0.0 if is_stuck else late
        grace_of_wanted = 0.0 if frigate_is_away else grace
        count, first = connection.execute(
            # What a person asked for is counted, and never late.
            "SELECT COUNT(*), MIN(expected_at) FILTER (WHERE is_asked = 0)"
            " FROM uploads WHERE destination_id = ?1"
            " AND state = 'pending' AND (expected_at <= ?2"
            " OR is_ready = 0 AND expected_at <= ?3"
            " OR hold IS NOT NULL AND expected_at <= ?4)",
            (row["id"], now - grace, now - grace_of_wanted, now),
        ).fetchone()
        counts[row["id"]] = count
        if first is not None:
            oldest.append(first)
        (following,) = connection.execute(
            "SELECT MIN(expected_at) FROM uploads WHERE destination_id = ?"
            " AND state = 'pending' AND expected_at > ?",
            (row["id"], now - grace),
        ).fetchone()
        if following is not None:
            coming.append(following + grace)
            (last,) = connection.execute(
                "SELECT MAX(expected_at) FROM uploads WHERE destination_id = ?"
                " AND state = 'pending'",
                (row["id"],),
            ).fetchone()
            is_ahead = is_ahead or last > now + _FAR
    return Waiting(
        counts=counts,
        since=min(oldest, default=None),
        next=min(coming, default=None),
        is_ahead=is_ahead,
    )
