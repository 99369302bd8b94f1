"""Restored: what a ledger that a backup brought back may have forgotten."""

import sqlite3

from ..model.naming import path_key


def distrust(connection: sqlite3.Connection) -> None:
    """Let be looked for what waits: it may be there, though the ledger knows nothing.

    For a ledger that a restore set back. What lies there is not what the tries that it
    knows of have left.
    """
    connection.execute(
        "UPDATE uploads SET attempts = 0, (tried_size, tried_sha256) ="
        " (SELECT COALESCE(tried_size, files.size), COALESCE(tried_sha256, sha256)"
        " FROM files WHERE files.id = file_id) WHERE state = 'pending'"
    )


def suffix_of(connection: sqlite3.Connection, upload_id: int) -> str | None:
    """Return what an upload's name has behind that of its item, None if nothing."""
    base, path = connection.execute(
        "SELECT base, path FROM uploads WHERE id = ?", (upload_id,)
    ).fetchone()
    stem = base.rpartition(".")[0]
    if not path.startswith(f"{stem}-"):
        return None
    return str(path[len(stem) + 1 :].rpartition(".")[0])


def take_over(connection: sqlite3.Connection, upload_id: int, *, path: str) -> bool:
    """Let an upload have the name of a copy that lies there; can it have that?

    Not if it is that of another upload, or of a live file.
    """
    key = path_key(path)
    return bool(
        connection.execute(
            "UPDATE OR IGNORE uploads SET path = ?1, path_key = ?2 WHERE id = ?3"
            " AND NOT EXISTS (SELECT 1 FROM live_files WHERE path_key = ?2"
            " AND live_files.destination_id = uploads.destination_id)",
            (path, key, upload_id),
        ).rowcount
    )
