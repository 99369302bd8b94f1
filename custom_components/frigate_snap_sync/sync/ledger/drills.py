"""Fire drills: what came of the last ones, and what they may have left."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
import json
import sqlite3
from typing import Any

from ..model.drill import CameraDrill, DestinationDrill, Outcome, carried_over


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillFile:
    """A name that a drill may have left at a destination."""

    name: str
    is_temporary: bool


def keep(connection: sqlite3.Connection, done: Iterable[CameraDrill]) -> None:
    """Keep what came of drills, each in place of its camera's last one.

    What that one showed of destinations which this one did not reach is carried over.
    """
    for drill in done:
        kept = carried_over(drill, _last_of(connection, drill.camera))
        connection.execute(
            "INSERT INTO drills VALUES (?, ?, ?) ON CONFLICT (camera)"
            " DO UPDATE SET moment = excluded.moment, report = excluded.report",
            (kept.camera, kept.moment, json.dumps(asdict(kept))),
        )


def last(connection: sqlite3.Connection) -> list[CameraDrill]:
    """Return the last drill of each camera that Frigate has."""
    rows = connection.execute(
        "SELECT report FROM drills JOIN cameras ON cameras.name = drills.camera"
        " WHERE is_shown = 1 ORDER BY camera"
    )
    return [_report(row["report"]) for row in rows]


def remember(
    connection: sqlite3.Connection, destination_id: str, files: Iterable[DrillFile]
) -> None:
    """Remember what a drill is about to make."""
    connection.executemany(
        "INSERT OR REPLACE INTO drill_files VALUES (?, ?, ?)",
        [(destination_id, file.name, file.is_temporary) for file in files],
    )


def forget(
    connection: sqlite3.Connection, destination_id: str, names: Iterable[str]
) -> None:
    """Forget what does not lie there any more."""
    connection.executemany(
        "DELETE FROM drill_files WHERE destination_id = ? AND name = ?",
        [(destination_id, name) for name in names],
    )


def left(connection: sqlite3.Connection, destination_id: str) -> list[DrillFile]:
    """Return what drills may have left at a destination."""
    rows = connection.execute(
        "SELECT name, is_temporary FROM drill_files WHERE destination_id = ?"
        " ORDER BY name",
        (destination_id,),
    )
    return [
        DrillFile(name=row["name"], is_temporary=bool(row["is_temporary"]))
        for row in rows
    ]


def _last_of(connection: sqlite3.Connection, camera: str) -> CameraDrill | None:
    row = connection.execute(
        "SELECT report FROM drills WHERE camera = ?", (camera,)
    ).fetchone()
    return None if row is None else _report(row["report"])


def _report(text: str) -> CameraDrill:
    values = json.loads(text)
    destinations = _destinations(values.pop("destinations"))
    earlier = _destinations(values.pop("earlier", []))
    return CameraDrill(**values, destinations=destinations, earlier=earlier)


def _destinations(rows: Iterable[dict[str, Any]]) -> tuple[DestinationDrill, ...]:
    return tuple(
        DestinationDrill(**{**each, "outcome": Outcome(each["outcome"])})
        for each in rows
    )
