"""A destination that is set up to be elsewhere: what lay there, and what lies here."""

from dataclasses import replace
from hashlib import sha256
import sqlite3
import time
from typing import override

import pytest

from custom_components.frigate_snap_sync.storage.base import Capabilities, StoredFile
from custom_components.frigate_snap_sync.storage.errors import (
    Rejected,
    StorageError,
    Unreachable,
)
from custom_components.frigate_snap_sync.sync.engine import (
    DestinationSetup,
    EngineOptions,
)
from custom_components.frigate_snap_sync.sync.ledger import (
    browsing,
    destinations,
    drills,
    items,
    live_files,
    outcomes,
    places,
    uploads,
)
from custom_components.frigate_snap_sync.sync.ledger.drills import DrillFile
from custom_components.frigate_snap_sync.sync.ledger.pruning import forget_copies, prune
from custom_components.frigate_snap_sync.sync.model.item import UploadState

from .conftest import FAST, Bench, setup, until
from .fakes import IMAGE, FakeDestination
from .ledgers import fetch, job, wanted
from .samples import ITEM
from .test_prepared import Numbered
from .test_retention import filled


class Site(FakeDestination):
    """Notes what was looked at."""

    def __init__(self) -> None:
        """Start empty."""
        super().__init__()
        self.looked: list[str] = []
        self.look_errors: list[StorageError] = []

    @override
    async def stat(self, path: str) -> StoredFile | None:
        if path.endswith((".jpg", ".mp4")) and "-live-snapshot-" in path:
            self.looked.append(path)
            if self.look_errors:
                raise self.look_errors.pop(0)
        return await super().stat(path)


@pytest.fixture
def here() -> Site:
    """Return where the destination is."""
    return Site()


@pytest.fixture
def there() -> Site:
    """Return where it will be."""
    return Site()


def at(
    place: str, site: FakeDestination, *, days: int = 0, size: int = 0
) -> DestinationSetup:
    """Return the destination as its owner set it up."""
    return replace(setup(site), place=place, retention_days=days, retention_size=size)


async def stored(bench: Bench, site: Site, count: int) -> list[str]:
    """Let so many live snapshots arrive; return their names."""
    for number in range(count):
        bench.live_snapshot(label=f"l{number}")
    await until(lambda: len(site.media) == count)
    await bench.settled()
    return sorted(site.media)


async def shown(bench: Bench) -> list[str]:
    """Return the copies that are shown to lie where the destination is."""
    rows = await bench.uploads(state="verified")
    return sorted(row.path for row in rows if row.reason is None)


async def looked_for(bench: Bench, site: Site, count: int) -> None:
    """Wait until so many copies were looked for, and what came of it was kept."""
    await until(lambda: len(set(site.looked)) >= count)
    await bench.at_rest()


async def is_counted(bench: Bench) -> int:
    """Return the bytes that the destination holds by the ledger."""
    return await bench.engine._ledger.run(  # noqa: SLF001
        lambda connection: connection.execute(
            "SELECT stored_bytes FROM destinations WHERE id = 'nas'"
        ).fetchone()[0]
    )


async def test_what_lies_at_the_former_place_is_no_loss(
    bench: Bench, here: Site, there: Site
) -> None:
    """It stays, and is not looked at, shown, sent again or removed any more."""
    bench.timing = replace(
        FAST, audit=0, probe=0.02, retention=0.02, retention_pause=0.01
    )
    await bench.start(at("a", here))
    names = await stored(bench, here, 3)
    connects = there.connects
    # All of it would be over: no copy may be larger than nothing.
    await bench.engine.apply_destinations([at("b", there, days=1, size=1)])
    await looked_for(bench, there, 3)
    await until(lambda: there.connects > connects + 3)
    bench.live_snapshot(label="later")
    await until(lambda: len(there.history) == 1)
    assert sorted(here.media) == names
    assert not here.deleted
    assert not bench.status.losses
    assert not set(there.history) & set(names)
    # What came later may be over already.
    rows = await bench.uploads(destination_id="nas", state="verified")
    reasons = {row.path: row.reason for row in rows}
    assert {reasons[name] for name in names} == {
        "It lies where the destination was before"
    }
    found = await bench.engine._ledger.run(  # noqa: SLF001
        browsing.files, "front_door", among=["nas"], since=0, until=1e18, limit=99
    )
    assert len(found) <= 1, "only what came since"


async def test_a_server_that_has_another_name_only(
    bench: Bench, here: Site, there: Site
) -> None:
    """Its copies are found there, each is looked for once, and none is sent again."""
    await bench.start(at("a", here))
    names = await stored(bench, here, 3)
    there.files = here.files
    there.history = list(here.history)
    size = await is_counted(bench)
    assert size == 3 * len(IMAGE)
    await bench.engine.apply_destinations([at("b", there)])
    await looked_for(bench, there, 3)

    async def all_count() -> bool:
        return await shown(bench) == names

    await until(all_count)
    assert await is_counted(bench) == size
    assert sorted(there.looked) == names
    assert len(there.history) == 3
    await bench.stop()
    there.looked.clear()
    await bench.start(at("b", there))
    await until(lambda: there.connects > 1)
    await bench.at_rest()
    assert not there.looked


async def test_only_what_is_there_with_the_right_size(
    bench: Bench, here: Site, there: Site
) -> None:
    """What was moved counts, what was not does not, nor does a file of another size."""
    await bench.start(at("a", here))
    moved, changed, absent = await stored(bench, here, 3)
    there.files |= {moved: IMAGE, changed: IMAGE + b"."}
    await bench.engine.apply_destinations([at("b", there)])
    await looked_for(bench, there, 3)

    async def is_counted_here() -> bool:
        return await shown(bench) == [moved]

    await until(is_counted_here)
    assert there.files[changed] == IMAGE + b"."
    assert absent not in there.files
    assert not bench.status.losses


@pytest.mark.parametrize(
    ("error", "times"), [(Rejected("odd name"), 1), (Unreachable("it hangs up"), 5)]
)
@pytest.mark.usefixtures("impatient")
async def test_a_copy_that_can_not_be_looked_for(
    bench: Bench, here: Site, there: Site, error: StorageError, times: int
) -> None:
    """It holds up no other."""
    bench.timing = replace(bench.timing, probe=0.05)
    await bench.start(at("a", here))
    _, *others = await stored(bench, here, 3)
    there.files = dict(here.files)
    there.look_errors = [error] * times
    await bench.engine.apply_destinations([at("b", there)])

    async def all_others_count() -> bool:
        return await shown(bench) == others

    await until(all_others_count)


async def test_back_at_the_former_place(bench: Bench, here: Site, there: Site) -> None:
    """What was verified there counts again, and what came meanwhile does not."""
    await bench.start(at("a", here))
    names = await stored(bench, here, 2)
    await bench.engine.apply_destinations([at("b", there)])
    bench.live_snapshot(label="meanwhile")
    await until(lambda: there.media)
    await bench.settled()
    await bench.engine.apply_destinations([at("a", here)])
    assert await shown(bench) == names
    assert await is_counted(bench) == 2 * len(IMAGE)
    assert sorted(here.media) == names


async def test_what_waits_goes_to_the_new_place(
    bench: Bench, here: Site, there: Site
) -> None:
    """A file that lies there under its name already is not overwritten."""
    await bench.start(at("a", here))
    await bench.engine.set_sending("nas", False)
    bench.live_snapshot(label="one")
    bench.live_snapshot(label="two")
    await bench.spooled_in_ledger(2)
    one, two = sorted(row.path for row in await bench.uploads(state="pending"))
    there.files |= {one: IMAGE + b"theirs", two: IMAGE}
    await bench.engine.apply_destinations([at("b", there)])
    await bench.engine.set_sending("nas", True)
    assert await bench.settled() == {"verified": 2}
    assert there.files[one] == IMAGE + b"theirs"
    assert there.files[two] == IMAGE
    assert len(there.history) == 1
    assert not here.media


@pytest.mark.parametrize("is_same", [True, False])
async def test_a_foreign_file_of_the_same_name_and_size(
    bench: Bench, here: Site, there: Site, is_same: bool
) -> None:
    """Before retention removes what was only found there, it is read."""
    await filled(bench, here, {"a/old.mp4": 40, "b/new.mp4": 0})
    await bench.start(at("a", here, days=60))

    async def has_looked() -> bool:
        cursor = await bench.engine._ledger.run(  # noqa: SLF001
            lambda connection: connection.execute(
                "SELECT retention_clock FROM destinations"
            ).fetchone()
        )
        return cursor["retention_clock"] is not None

    await until(has_looked)
    sent = sha256(b"....." if is_same else b"other").hexdigest()
    await bench.engine._ledger.run(  # noqa: SLF001
        sqlite3.Connection.execute, "UPDATE files SET sha256 = ?, size = 5", (sent,)
    )
    there.files |= dict.fromkeys(("a/old.mp4", "b/new.mp4"), b".....")
    await bench.engine.apply_destinations([at("b", there, days=30)])

    async def is_settled() -> bool:
        expired = await bench.uploads(state=UploadState.EXPIRED)
        left = await bench.engine._ledger.run(  # noqa: SLF001
            uploads.next_leftover, "nas", exclude=()
        )
        return len(expired) == 1 and left is None

    await until(is_settled)
    assert ("a/old.mp4" in there.files) is not is_same
    assert "b/new.mp4" in there.files
    assert set(here.files) == {"a/old.mp4", "b/new.mp4"}


async def test_parts_at_the_former_place_stay(
    bench: Bench, here: Site, there: Site
) -> None:
    """The whole goes to the new place, where it replaces none of them."""
    bench.timing = replace(bench.timing, review_pause=0.02)
    bench.options = EngineOptions(part_length=10)
    await bench.start(at("a", here))
    start = time.time() - 25
    review = bench.review("new", start=start)
    await until(lambda: len(here.media) >= 2)
    parts = dict(here.media)
    await bench.engine.apply_destinations([at("b", there)])
    bench.review("end", source_id=review, start=start, end=time.time() - 1)
    await until(lambda: any("-part" not in name for name in there.media))
    await bench.settled()
    await bench.at_rest()
    assert parts.items() <= here.media.items()
    assert not {path for path in here.deleted if not path.endswith(".tmp")}
    assert not bench.status.losses


@pytest.mark.parametrize("was_off", [True, False])
async def test_what_had_begun_at_the_former_place(
    bench: Bench, here: Site, was_off: bool
) -> None:
    """It is ended there, as far as that place is still known, and never here."""
    old, new = Numbered(), Numbered()
    await bench.start(at("a", old))
    await until(lambda: old.connects)
    old.gate.clear()
    bench.live_snapshot()
    await until(lambda: old.unfinished)
    await bench.engine._ledger.run(  # noqa: SLF001
        drills.remember, "nas", [DrillFile(name="drill.jpg", is_temporary=False)]
    )
    old.files["drill.jpg"] = IMAGE
    (begun,) = old.unfinished
    if was_off:
        await bench.stop()
        await bench.start(at("b", new))
    else:
        await bench.engine.apply_destinations([at("b", new)])
        await until(lambda: not old.unfinished and "drill.jpg" not in old.files)
    await until(lambda: new.media)
    assert await bench.settled() == {"verified": 1}
    assert begun not in new.discarded
    assert "drill.jpg" not in new.deleted
    assert not old.media.keys() - {"drill.jpg"}


@pytest.mark.parametrize("place", ["a", None])
async def test_other_changes_are_no_move(
    bench: Bench, here: Site, place: str | None
) -> None:
    """A new password, say, or settings that can't be read for a while."""
    await bench.start(at("a", here))
    names = await stored(bench, here, 2)
    other = Site()
    other.files = here.files
    changed = replace(at("a", other), name="renamed", place=place)
    await bench.engine.apply_destinations([changed])
    await bench.engine.apply_destinations([at("a", other)])
    assert await shown(bench) == names
    assert not other.looked


async def test_what_cannot_be_looked_at(bench: Bench, here: Site, there: Site) -> None:
    """At a place that can only be written to nothing of it counts."""
    await bench.start(at("a", here))
    await stored(bench, here, 2)
    there.files = dict(here.files)
    there.can = Capabilities(can_read=False)
    await bench.engine.apply_destinations([at("b", there)])
    await until(lambda: there.connects)
    await bench.at_rest()
    assert await shown(bench) == []
    assert not there.looked


def arrive(connection: sqlite3.Connection, number: int, to: str = "nas") -> int:
    """Let a recording lie at a destination; return its upload."""
    item = replace(ITEM, source_id=str(number), reported_at=number)
    items.plan(connection, item, (wanted(to, path=f"{number}.mp4"),))
    (file_id,) = connection.execute("SELECT MAX(id) FROM files").fetchone()
    fetch(connection, file_id)
    upload_id = job(connection, to).upload_id
    outcomes.verified(connection, upload_id, size=7, now=number)
    return upload_id


def owners(connection: sqlite3.Connection) -> list[str]:
    """Return whose each upload is."""
    rows = connection.execute("SELECT destination_id FROM uploads ORDER BY id")
    return [row["destination_id"] for row in rows]


def move(connection: sqlite3.Connection, place: str) -> None:
    """Set up the destination to be there."""
    places.settle(connection, "nas", place, now=1)


def test_each_place_keeps_what_it_has(connection: sqlite3.Connection) -> None:
    """However often the destination is moved to and fro."""
    move(connection, "a")
    arrive(connection, 1)
    move(connection, "b")
    arrive(connection, 2)
    move(connection, "c")
    assert owners(connection) == ["nas@a", "nas@b"]
    for place, expected in (
        ("a", ["nas", "nas@b"]),
        ("b", ["nas@a", "nas"]),
        ("a", ["nas", "nas@b"]),
        ("d", ["nas@a", "nas@b"]),
    ):
        move(connection, place)
        assert owners(connection) == expected
    (size,) = connection.execute(
        "SELECT stored_bytes FROM destinations WHERE id = 'nas'"
    ).fetchone()
    assert size == 0


def test_the_same_file_at_both_places(connection: sqlite3.Connection) -> None:
    """It was sent again on request: each place has one, also after the way back."""
    move(connection, "a")
    upload_id = arrive(connection, 1)
    move(connection, "b")
    connection.execute(
        "INSERT INTO uploads (item_id, file_id, destination_id, role, base, path,"
        " path_key, state, rank, expected_at, size) SELECT item_id, file_id, 'nas', role,"
        " base, path, path_key, 'pending', rank, 0, 7 FROM uploads WHERE id = ?",
        (upload_id,),
    )
    move(connection, "a")
    assert sorted(owners(connection)) == ["nas", "nas@a"]
    connection.execute("UPDATE uploads SET state = 'verified' WHERE state = 'pending'")
    move(connection, "c")
    assert owners(connection) == ["nas@a"]


def test_copies_elsewhere_keep_nothing_for_ever(
    connection: sqlite3.Connection,
) -> None:
    """They are forgotten as those of a removed destination are, and live files too."""
    move(connection, "a")
    arrive(connection, 1)
    live = live_files.begin(
        connection, "1", "nas", base="1.mp4", short_id="1", start=1000
    )
    assert live is not None
    live_files.ended(connection, live.id, held=((1, 2),), size=3)
    move(connection, "b")
    assert prune(connection, before=9, limit=9) == 0
    assert forget_copies(connection, before=1e9, limit=9) == 1
    assert prune(connection, before=9, limit=9) == 1


def test_a_destination_that_was_moved_is_removed(
    connection: sqlite3.Connection,
) -> None:
    """Nothing is known of where it was."""
    move(connection, "a")
    arrive(connection, 1)
    move(connection, "b")
    destinations.keep_destinations(connection, ["cloud"], now=2)
    assert not connection.execute("SELECT * FROM former_places").fetchall()
    destinations.keep_destinations(connection, ["cloud", "nas"], now=3)
    assert not places.to_look_for(connection, "nas", limit=9)


def test_pieces_without_footage_after_a_move(connection: sqlite3.Connection) -> None:
    """The recording's beginning lies where the destination was: that is no loss."""
    move(connection, "a")
    item = replace(ITEM, end=None)
    items.remember_open(connection, item)
    first, last = (wanted("nas", number=n, path=f"{n}.mp4") for n in (1, 2))
    items.add_files(connection, item, (first,))
    fetch(connection, 1)
    outcomes.verified(connection, job(connection, "nas").upload_id, size=7, now=3)
    move(connection, "b")
    items.plan(connection, ITEM, (last,))
    outcomes.finish_without_footage(connection, 2, "no footage", now=5)
    rows = connection.execute("SELECT state FROM uploads ORDER BY id").fetchall()
    assert [row["state"] for row in rows] == ["verified", "skipped"]
