"""Ledgers with a long history: items of a real one, multiplied."""

from pathlib import Path
import shutil
import sqlite3
from typing import Final

_SPAN: Final = 60 * 86400
"""Seconds over which a history goes back; what is older than 90 days is forgotten."""

_TABLES: Final = ("items", "files", "uploads")
_KEYS: Final = frozenset({"id", "item_id", "file_id"})
_TIMES: Final = frozenset(
    {"start", "end", "reported_at", "due", "expected_at", "finished"}
)


def multiply(template: Path, target: Path, *, items: int) -> None:
    """Make a ledger with so many items of the past, and what is in the template.

    Each is a copy of one of the template's items with its files and uploads, which
    must be over; its times lie the further back, the lower its ids are.
    """
    shutil.copy(template, target)
    connection = sqlite3.connect(target, isolation_level=None)
    try:
        # Whatever happens to this file: it would be made again.
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("BEGIN")
        (originals,) = connection.execute("SELECT COUNT(*) FROM items").fetchone()
        stride = max(
            connection.execute(f"SELECT MAX(id) FROM {table}").fetchone()[0]  # noqa: S608
            for table in _TABLES
        )
        copies = items // originals
        for table in _TABLES:
            _copy(connection, table, copies=copies, stride=stride)
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        connection.close()


def _copy(
    connection: sqlite3.Connection, table: str, *, copies: int, stride: int
) -> None:
    columns = connection.execute(f"PRAGMA table_info({table})").fetchall()
    names = ", ".join(name for _, name, *_ in columns)
    values = ", ".join(_value(name, kind) for _, name, kind, *_ in columns)
    connection.execute(
        f"INSERT INTO {table} ({names})"  # noqa: S608
        " WITH RECURSIVE copies (n) AS"
        " (SELECT 1 UNION ALL SELECT n + 1 FROM copies WHERE n < :copies)"
        f" SELECT {values} FROM copies CROSS JOIN {table} WHERE :copies > 0",
        {"copies": copies, "stride": stride, "step": _SPAN / max(copies, 1)},
    )


def _value(name: str, kind: str) -> str:
    """Return the expression of a column of the copy with the number `n`."""
    number = "printf('%07d', n)"
    if name in _KEYS:
        return f"{name} + n * :stride"
    if name in _TIMES:
        return f"CAST({name} - (:copies + 1 - n) * :step AS {kind})"
    if name == "source_id":
        return f"substr({name}, 1, length({name}) - 7) || {number}"
    if name in {"base", "path", "path_key"}:
        # Before the dot and the three letters of the extension.
        return (
            f"substr({name}, 1, length({name}) - 11) || {number} || substr({name}, -4)"
        )
    return name
