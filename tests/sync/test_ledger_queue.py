"""What the ledger keeps of items, files and uploads: once, in order, until all have it."""

from dataclasses import replace
import sqlite3

import pytest

from custom_components.frigate_snap_sync.frigate.models import Severity
from custom_components.frigate_snap_sync.sync.ledger import (
    audits,
    destinations,
    fetch_queue,
    items,
    losses,
    off_periods,
    outcomes,
    retries,
    spooled_files,
    status_summary,
    uploads,
)
from custom_components.frigate_snap_sync.sync.model import plans
from custom_components.frigate_snap_sync.sync.model.item import Media, Role, UploadState
from custom_components.frigate_snap_sync.sync.model.plans import (
    FilePlan,
    FileState,
    UploadPlan,
)
from custom_components.frigate_snap_sync.sync.model.rank import Rank

from .ledgers import CLIPS, STILLS, fetch, job, wanted
from .samples import ITEM


def test_a_planned_item_is_planned_once(connection: sqlite3.Connection) -> None:
    """However often its end is reported."""
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
    assert outcomes.verified(connection, nas.upload_id, size=7, now=50).freed == ()
    assert (
        status_summary.summary(connection).cameras["front_door"].recordings_uploaded
        == 0
    )
    cloud = job(connection, "cloud")
    assert outcomes.verified(connection, cloud.upload_id, size=7, now=60).freed == (
        "s1",
    )
    assert outcomes.verified(connection, cloud.upload_id, size=7, now=70).freed == ()
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
    ended = destinations.keep_destinations(connection, ["nas"], now=60)
    assert sorted(ended.freed) == ["s1", "s2"]
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


@pytest.mark.parametrize(
    ("state", "due", "is_ready"),
    [("released", 51, False), ("wanted", 51, False), ("spooled", 0, True)],
)
def test_a_failed_upload_is_tried_again(
    connection: sqlite3.Connection, state: str, due: float, is_ready: bool
) -> None:
    """What the spool holds for another destination is not fetched once more."""
    items.plan(connection, ITEM, (wanted("nas", "cloud"),))
    connection.execute(
        "UPDATE uploads SET state = 'gone', finished = 50 WHERE destination_id = 'nas'"
    )
    if state == "released":
        outcomes.finish(connection, 1, UploadState.GONE, "lost", now=50)
    elif state == "spooled":
        fetch(connection, 1)
    assert retries.retry_failed(connection, selections={}, now=51) == (
        1 + (state == "released")
    )
    assert fetch_queue.next_due(connection, after=50) == (None if is_ready else due)
    assert spooled_files.spool_names(connection) == ({"s1"} if is_ready else set())
    ready = uploads.next_uploads(
        connection, "nas", ranks=CLIPS, now=51, exclude=(), limit=9
    )
    assert [each.spool_name for each in ready] == (["s1"] if is_ready else [])


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("state", UploadState)
def test_which_ends_are_losses(
    connection: sqlite3.Connection, state: UploadState, role: Role
) -> None:
    """Of the item itself what never came, or only in part; a copy that vanished."""
    items.plan(connection, ITEM, (replace(wanted("nas"), role=role),))
    connection.execute("UPDATE uploads SET state = ?, finished = 5", (state,))
    is_loss = role is Role.WHOLE and state in {"gone", "dropped", "incomplete"}
    assert losses.losses(connection).count == is_loss
    losses.acknowledge(connection, until=5)
    assert not losses.losses(connection).count
    is_missed = audits.note_missed(connection, 1, now=6, loss_after=1)
    assert is_missed == (state is UploadState.VERIFIED)
    lost = losses.losses(connection)
    assert lost.count == is_missed
    if is_missed:
        # By when it vanished, however long it had lain there.
        assert lost.until == 6
        losses.acknowledge(connection, until=5)
        assert losses.losses(connection).count == 1
        losses.acknowledge(connection, until=lost.until)
        assert not losses.losses(connection).count


def test_a_part_that_vanished_and_its_whole(connection: sqlite3.Connection) -> None:
    """It is lost as long as no whole has its seconds: then it was removed by us."""
    items.plan(connection, ITEM, (replace(wanted("nas"), role=Role.PART),))
    connection.execute("UPDATE uploads SET state = 'verified', finished = 5")
    assert audits.note_missed(connection, 1, now=6, loss_after=1)
    assert losses.losses(connection).count == 1
    connection.execute("UPDATE uploads SET state = 'superseded'")
    assert not losses.losses(connection)


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
    outcomes.finish(connection, 1, UploadState.DROPPED, "no space", now=9)
    row = connection.execute("SELECT state, reason, finished FROM uploads").fetchone()
    assert tuple(row) == ("dropped", "no space", 9)


def test_two_parts_that_were_planned_at_once(connection: sqlite3.Connection) -> None:
    """What follows a hole, and what the review adds: both are kept."""
    items.remember_open(connection, replace(ITEM, end=None))
    first, second = (
        FilePlan(
            state=FileState.WANTED,
            start=start,
            end=start + 15,
            role=Role.PART,
            suffix="part001",
            uploads=(UploadPlan(destination_id="nas", path="a/b.mp4"),),
        )
        for start in (995, 1010)
    )
    items.add_files(connection, ITEM, (first,))
    items.add_files(connection, ITEM, (second,))
    rows = connection.execute("SELECT path FROM uploads ORDER BY id").fetchall()
    assert [row["path"] for row in rows] == ["a/b-part001.mp4", "a/b-part002.mp4"]


def test_what_a_killed_try_left_of_a_superseded_part_is_removed(
    connection: sqlite3.Connection,
) -> None:
    """The part is not tried again, so nothing else would remove it."""
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


def test_the_newest_of_many_open_reviews_are_looked_at(
    connection: sqlite3.Connection,
) -> None:
    """Of a thousand before them no end may ever come."""
    for number in range(1002):
        item = replace(ITEM, source_id=f"{number}.5-abc", end=None)
        items.remember_open(connection, item)
    found = [item.source_id for item in items.open_reviews(connection)]
    assert len(found) == 1000
    assert found[0] == "1001.5-abc"
