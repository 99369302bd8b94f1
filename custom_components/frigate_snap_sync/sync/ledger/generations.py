"""Generations: which of several ledgers is the one that was used last.

The number grows at each start and stop and after each backup of Home Assistant. It
is in the ledger, and after that in a small file that no backup holds. So a ledger
that is behind its file, or has none, was brought back by a restore.
"""

from contextlib import suppress
from pathlib import Path
import sqlite3

from ...private_files import private_opener, put_in_place


class GenerationFile:
    """The newest number, outside of the ledger. Blocks."""

    def __init__(self, path: Path) -> None:
        """Keep the path; its folder need not exist."""
        self._path = path

    def read(self) -> int | None:
        """Return the number, None if it is not known."""
        try:
            return int(self._path.read_bytes())
        except OSError, ValueError:
            return None

    def write(self, number: int) -> None:
        """Keep the number, after it was committed in the ledger.

        Where that fails the file stays behind the ledger, which means nothing.
        """
        new = self._path.with_name(f"{self._path.name}.new")
        with suppress(OSError):
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with open(new, "wb", opener=private_opener) as file:
                file.write(str(number).encode())
            put_in_place(new, self._path)


def generation(connection: sqlite3.Connection) -> int:
    """Return the number of a ledger. Raises sqlite3.DatabaseError if it has none."""
    row = connection.execute("SELECT number FROM generation").fetchone()
    if row is None:
        raise sqlite3.DatabaseError("it has no generation")
    return int(row[0])


def begin(connection: sqlite3.Connection, *, after: int) -> int:
    """Give the ledger a number above its own and `after`; return it."""
    (number,) = connection.execute(
        "UPDATE generation SET number = MAX(number, ?) + 1 RETURNING number", (after,)
    ).fetchone()
    return int(number)


def is_set_back(*, own: int, newest: int | None) -> bool:
    """Tell whether a restore brought a ledger with the number `own` back.

    `newest` is what the file says, None if there is none.
    """
    return newest is None or newest > own


def is_copy_better(*, own: int | None, copied: int | None, newest: int | None) -> bool:
    """Tell whether the copy made for a backup is to be used instead of the ledger.

    `own` is the ledger's number, None if it is missing or damaged, and `copied`
    that of the copy, None if there is none. A ledger that was copied file by file
    while it was in use may miss anything, so that a copy of the same backup is
    better; one of an earlier backup is better than nothing.
    """
    if copied is None:
        return False
    if own is None:
        return True
    return is_set_back(own=own, newest=newest) and copied >= own
