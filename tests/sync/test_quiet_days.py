"""Days without an upload are a risk only if there was something to upload."""

import sqlite3
import time

from custom_components.frigate_snap_sync.sync.ledger import milestones, status_summary
from custom_components.frigate_snap_sync.sync.model.selection import Selection
from custom_components.frigate_snap_sync.sync.model.status import Protection, Reason

from .conftest import Bench, setup, until
from .fakes import FakeDestination


async def quiet_days(
    bench: Bench, nas: FakeDestination, *, labels: frozenset[str] = frozenset()
) -> None:
    """Let nothing have been uploaded for three days: there was nothing."""
    long_ago = time.time() - 3 * 86400

    def age(connection: sqlite3.Connection) -> None:
        connection.execute("UPDATE destinations SET since = ?", (long_ago,))

    await bench.start(setup(nas, selection=Selection(labels=labels)))
    ledger = bench.engine._ledger  # noqa: SLF001
    await ledger.run(milestones.keep_moment, milestones.SINCE, long_ago)
    await ledger.run(age)
    await bench.heard()


async def test_a_review_that_no_destination_wants(
    bench: Bench, nas: FakeDestination
) -> None:
    """Nothing was to be uploaded, so nothing is missing."""
    await quiet_days(bench, nas, labels=frozenset({"person"}))
    bench.review("end", end=time.time() - 40, objects=["cat"])
    await bench.at_rest()
    summary = await bench.engine._ledger.run(status_summary.summary)  # noqa: SLF001
    assert summary.last_review is None
    assert bench.status.protection is Protection.PROTECTED
    assert not any(status.nothing_uploaded for status in bench.statuses)
    bench.review("end", source_id="2.5-def456", end=time.time() - 40)
    assert await bench.settled() == {"verified": 1}


async def test_the_first_review_after_quiet_days(
    bench: Bench, nas: FakeDestination
) -> None:
    """It is a risk only when it should long have arrived, however many follow."""
    await quiet_days(bench, nas)
    nas.gate.clear()
    bench.review("end", end=time.time() - 40)
    await until(lambda: nas.files)
    await bench.at_rest()
    assert not any(status.nothing_uploaded for status in bench.statuses)
    ledger, hour = bench.engine._ledger, time.time() - 3600  # noqa: SLF001
    await ledger.run(milestones.keep_moment, milestones.FIRST_REVIEW, hour)
    bench.review("end", source_id="2.5-def456", end=time.time() - 40)
    await until(lambda: bench.status.nothing_uploaded)
    assert Reason.NOTHING_UPLOADED in bench.status.reasons
    nas.gate.set()
    assert await bench.settled() == {"verified": 2}
    await until(lambda: not bench.status.nothing_uploaded)
    bench.review("end", source_id="3.5-def456", end=time.time() - 40)
    await bench.settled()
    later = await ledger.run(milestones.moment, milestones.FIRST_REVIEW, default=0)
    assert later > hour + 3000
