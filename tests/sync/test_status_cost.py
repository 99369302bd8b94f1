"""What a status costs: it is asked for after every upload, for years."""

from custom_components.frigate_snap_sync.sync.ledger import status_summary
from custom_components.frigate_snap_sync.sync.model.item import Media

from .ledgers import with_copies

COPIES = 20_000


def _steps(copies: int) -> int:
    """Return the steps of SQLite's machine, in hundreds, that a status takes."""
    connection = with_copies(copies, media=Media.RECORDINGS, seconds=1)
    connection.execute("INSERT INTO destinations (id, since) VALUES ('nas', 0)")
    connection.execute("UPDATE uploads SET state = 'gone' WHERE id % 1000 = 1")
    steps = 0

    def count() -> None:
        nonlocal steps
        steps += 1

    connection.set_progress_handler(count, 100)
    assert status_summary.summary(connection).losses.count == copies // 1000
    connection.close()
    return steps


def test_it_does_not_grow_with_what_has_arrived() -> None:
    """Twenty losses among twenty thousand copies cost as those twenty alone."""
    assert _steps(COPIES) < COPIES / 100
