"""A copy that lies at a destination stays there and counts, whatever became of its answer."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
import sqlite3
import time
from typing import override

import pytest

from custom_components.frigate_snap_sync.frigate.models import Segment
from custom_components.frigate_snap_sync.storage.base import Source, StoredFile
from custom_components.frigate_snap_sync.storage.errors import (
    PermissionDenied,
    Unreachable,
)
from custom_components.frigate_snap_sync.sync.ledger import (
    items,
    outcomes,
    spooled_files,
    status_summary,
    uploads,
)
from custom_components.frigate_snap_sync.sync.model import plans
from custom_components.frigate_snap_sync.sync.model.item import Media, UploadState
from custom_components.frigate_snap_sync.sync.model.limits import Limits
from custom_components.frigate_snap_sync.sync.model.selection import Selection

from ..waiting import LONG
from .conftest import FAST, Bench, setup, until
from .fakes import CLIP, CLIP_SECONDS, IMAGE, FakeDestination
from .ledgers import fetch, job, wanted
from .samples import ITEM
from .test_catch_up import age, review, show
from .test_pruner import connection  # noqa: F401 - a fixture

type Step = Callable[[], Awaitable[object]]


class LostAnswers(FakeDestination):
    """Takes a file whole, and is away before it can say so."""

    def __init__(self) -> None:
        """Lose the first answer."""
        super().__init__()
        self.losses = 1
        self.stays_away = True
        self.may_delete = True

    @override
    async def put(self, path: str, source: Source, *, temporary: str) -> StoredFile:
        stored = await super().put(path, source, temporary=temporary)
        if not self.losses:
            return stored
        self.losses -= 1
        lost = Unreachable("The cable was cut")
        if self.stays_away:
            self.error = lost
        raise lost

    @override
    async def delete(self, path: str) -> None:
        if not self.may_delete:
            raise PermissionDenied("No right to delete")
        await super().delete(path)


@pytest.fixture
def nas() -> LostAnswers:
    """Return a destination whose first answer gets lost."""
    return LostAnswers()


@pytest.fixture
def quick(bench: Bench) -> None:
    """Let a failing destination be tried again almost at once."""
    bench.timing = replace(bench.timing, jitter=lambda low, high: (low + high) / 2000)


async def arrived(bench: Bench, nas: LostAnswers) -> str:
    """Wait until the file is there and its answer lost; stop; return its path."""
    await until(lambda: nas.error is not None)
    await until(lambda: bench.status.destinations["nas"].connected is False)
    await bench.stop()
    (path,) = nas.media
    return path


def lose_the_spool(bench: Bench) -> None:
    """Let its disk be replaced while Home Assistant is off."""
    for file in (bench.folder / "spool").iterdir():
        file.unlink()


async def verified_after_all(bench: Bench, nas: LostAnswers, path: str) -> None:
    """Wait until the copy counts; it was sent once and nothing else lies there."""
    assert await bench.settled() == {"verified": 1}
    assert [sent for sent in nas.history if sent in nas.media] == [path]
    assert set(nas.files) == {path}
    await until(lambda: bench.status.destinations["nas"].last_upload)
    status = bench.status.destinations["nas"]
    counts = (
        status.live_snapshots_uploaded,
        status.snapshots_uploaded,
        status.recordings_uploaded,
    )
    assert sum(counts) == 1
    assert status.data_uploaded == len(nas.files[path])
    assert status.failed_uploads == 0


async def settled_as(bench: Bench, state: str) -> None:
    """Wait until the only upload is in that state."""

    async def is_so() -> bool:
        return [row.state for row in await bench.uploads()] == [state]

    async with asyncio.timeout(LONG):
        while not await is_so():
            await asyncio.sleep(0.01)


async def test_bytes_are_lost_after_the_copy_arrived(
    bench: Bench, nas: LostAnswers
) -> None:
    """The upload is dropped, for they exist nowhere else: but there."""
    await bench.start(setup(nas))
    bench.live_snapshot()
    path = await arrived(bench, nas)
    lose_the_spool(bench)
    nas.error = None
    await bench.start(setup(nas))
    await settled_as(bench, "verified")
    await verified_after_all(bench, nas, path)
    # That the spool lost them is known before the destination is looked at.
    assert [event.verified for event in bench.uploaded] == [False, True]


async def test_footage_is_gone_after_the_copy_arrived(
    bench: Bench, nas: LostAnswers
) -> None:
    """Frigate's retention passed meanwhile: that makes no difference."""
    bench.timing = replace(FAST, gone_after=0.05)
    await bench.start(setup(nas))
    bench.review("end", end=time.time() - 30)
    path = await arrived(bench, nas)
    lose_the_spool(bench)
    nas.error = None
    bench.frigate.footage = lambda camera, after, before: []
    await bench.start(setup(nas))
    await settled_as(bench, "verified")
    await verified_after_all(bench, nas, path)


async def test_what_is_no_longer_selected_after_the_copy_arrived(
    bench: Bench, nas: LostAnswers
) -> None:
    """The owner selects something else: what lies there stays."""
    await bench.start(setup(nas))
    bench.live_snapshot()
    path = await arrived(bench, nas)
    nas.error = None
    recordings = Selection(media=frozenset({Media.RECORDINGS}))
    await bench.start(setup(nas, selection=recordings))
    await settled_as(bench, "verified")
    await verified_after_all(bench, nas, path)


async def test_who_may_not_delete_has_its_copies_counted(
    bench: Bench, nas: LostAnswers
) -> None:
    """There is nothing left to delete once a file has its final name."""
    await bench.start(setup(nas))
    bench.live_snapshot()
    path = await arrived(bench, nas)
    lose_the_spool(bench)
    nas.error, nas.may_delete = None, False
    await bench.start(setup(nas))
    await settled_as(bench, "verified")
    await verified_after_all(bench, nas, path)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("is_template", [False, True])
async def test_a_lost_answer_costs_no_second_upload(
    bench: Bench, nas: LostAnswers, is_template: bool
) -> None:
    """It is looked at under the same name, also if a template made that."""
    nas.stays_away = False
    render = (lambda values: f"{values.camera}/{values.kind}") if is_template else None
    await bench.start(setup(nas, render=render))
    bench.live_snapshot()
    await settled_as(bench, "verified")
    await verified_after_all(bench, nas, next(iter(nas.media)))
    assert [event.verified for event in bench.uploaded] == [True]


@pytest.mark.usefixtures("quick")
async def test_a_retry_keeps_the_name_that_a_template_made(
    bench: Bench, nas: LostAnswers
) -> None:
    """What an earlier try left there is our own, and is replaced if it is another."""
    nas.stays_away = False
    put = nas.put

    async def cut(path: str, source: Source, *, temporary: str) -> StoredFile:
        try:
            return await put(path, source, temporary=temporary)
        except Unreachable:
            nas.files[path] = nas.files[path][:-1]  # A disk that lost its end.
            raise

    nas.put = cut  # type: ignore[method-assign]
    await bench.start(setup(nas, render=lambda values: f"mine/{values.kind}"))
    bench.live_snapshot()
    assert await bench.settled() == {"verified": 1}
    assert nas.files == {"mine/live_snapshot.jpg": IMAGE}


async def test_killed_between_the_last_rename_and_the_ledger(
    bench: Bench, nas: LostAnswers
) -> None:
    """The next start finds it there."""
    nas.losses = 0
    hung = asyncio.Event()
    put = nas.put

    async def never_return(path: str, source: Source, *, temporary: str) -> StoredFile:
        await put(path, source, temporary=temporary)
        hung.set()
        await asyncio.Event().wait()
        raise AssertionError

    nas.put = never_return  # type: ignore[method-assign]
    await bench.start(setup(nas))
    bench.review("end", end=time.time() - 30)
    await until(hung.is_set)
    await bench.stop()
    nas.put = put  # type: ignore[method-assign]
    (path,) = nas.media
    await bench.start(setup(nas))
    await settled_as(bench, "verified")
    await verified_after_all(bench, nas, path)


async def test_a_clip_that_is_fetched_again_with_less(
    bench: Bench, nas: LostAnswers
) -> None:
    """The copy that was made of more is there, and stays."""
    await bench.start(setup(nas))
    bench.review("end", end=time.time() - 30)
    path = await arrived(bench, nas)
    lose_the_spool(bench)
    nas.error = None
    nas.files[path] = more = nas.files[path]
    bench.frigate.clip_faults = [CLIP[:-16]]  # Other bytes, whole all the same.
    bench.frigate.footage = lambda camera, after, before: [
        Segment(start_time=before - CLIP_SECONDS, end_time=before)
    ]
    await bench.start(setup(nas))
    await settled_as(bench, "verified")
    assert nas.files == {path: more}
    assert nas.history == [path]


@pytest.mark.parametrize("found", [IMAGE[:-1] + b"?", IMAGE[:-1], None])
async def test_what_is_no_copy_does_not_count(
    bench: Bench, nas: LostAnswers, found: bytes | None
) -> None:
    """And is not deleted either: of a given-up upload only the temporary file goes."""
    await bench.start(setup(nas))
    bench.live_snapshot()
    path = await arrived(bench, nas)
    del nas.files[path]
    if found is not None:
        nas.files[path] = found
    (name,) = await left_there(bench, nas)
    lose_the_spool(bench)
    nas.error = None
    await bench.start(setup(nas))
    await until(lambda: name not in nas.files)
    assert nas.files == ({} if found is None else {path: found})
    await settled_as(bench, "dropped")
    assert path not in nas.deleted


async def left_there(bench: Bench, nas: FakeDestination) -> list[str]:
    """Let the temporary files that the ledger knows lie there; return their names."""
    ledger = sqlite3.connect(bench.folder / "ledger" / "one.db")
    names = [row[0] for row in ledger.execute("SELECT temporary FROM uploads")]
    ledger.close()
    nas.files.update(dict.fromkeys(names, b"half of it"))
    return names


async def test_a_destination_that_was_removed_and_is_back(
    bench: Bench, nas: LostAnswers
) -> None:
    """Its cancelled uploads leave no temporary file there, and lose no copy."""
    await bench.start(setup(nas))
    bench.live_snapshot()
    path = await arrived(bench, nas)
    (name,) = await left_there(bench, nas)
    await bench.start()
    assert await bench.settled() == {"cancelled": 1}
    nas.error = None
    await bench.engine.apply_destinations([setup(nas)])
    await until(lambda: name not in nas.files)
    assert nas.files == {path: IMAGE}


@pytest.mark.parametrize(
    ("earlier", "stays"),
    [(CLIP + bytes(1000), True), (CLIP, True), (CLIP[:1000], False)],
    ids=["longer", "the same", "shorter"],
)
async def test_an_entry_that_was_made_again(
    bench: Bench, nas: LostAnswers, earlier: bytes, stays: bool
) -> None:
    """Its ledger knows nothing of what an earlier one has brought to the same folder."""
    nas.losses = 0
    begin = time.time() - 100
    again = Bench(bench.folder / "again")
    for entry in (bench, again):
        await entry.start(setup(nas))
        await until(lambda: entry.status.frigate_connected)  # noqa: B023
        entry.review("end", source_id="1.5-abc123", start=begin, end=begin + 10)
        assert await entry.settled() == {"verified": 1}
        if entry is bench:
            (path,) = nas.media
            nas.files[path] = earlier
            await entry.stop()
    assert (nas.media[path] == earlier) is stays
    # The very same bytes need no second copy.
    assert len(nas.media) == 1 + (stays and earlier != CLIP)
    await again.stop()


async def test_a_destination_that_was_added_again_with_another_id(
    bench: Bench, nas: LostAnswers
) -> None:
    """Its new record knows nothing of the longer copy that lies there."""
    nas.losses = 0
    await age(bench, nas, hours=2)
    show(bench, review("visit", -500, -400))
    await bench.start(setup(nas))
    await bench.engine.requests.upload_review("1.5-visit")
    await until(lambda: nas.media)
    await bench.settled()
    (path,) = nas.media
    nas.files[path] = longer = nas.files[path] + bytes(1000)
    await bench.engine.apply_destinations([])
    await bench.engine.apply_destinations([setup(nas, name="again")])
    await bench.engine.requests.upload_review("1.5-visit")
    await until(lambda: len(nas.history) == 2)
    await bench.settled()
    assert nas.media[path] == longer
    assert len(nas.media) == 2


async def test_parts_of_an_entry_that_was_made_again(
    bench: Bench, nas: LostAnswers
) -> None:
    """They may show other seconds of the review, however many bytes they have."""
    nas.losses = 0
    bench.options = replace(bench.options, upload_during_review=True)
    again = Bench(bench.folder / "again", options=bench.options)
    begin = time.time() - 100
    for entry in (bench, again):
        await entry.start(setup(nas))
        await until(lambda: entry.status.frigate_connected)  # noqa: B023
        entry.review("new", source_id="1.5-abc123", start=begin)
        await until(lambda: any("-part001" in path for path in nas.media))
        await entry.at_rest()
        if entry is bench:
            await entry.stop()
            path = next(path for path in nas.media if "-part001" in path)
            nas.files = {path: b"earlier"}
        else:
            await until(lambda: len(nas.media) > 1)
    assert nas.media[path] == b"earlier"
    await again.stop()


async def test_the_same_bytes_at_a_template_s_path_are_ours(
    bench: Bench, nas: LostAnswers
) -> None:
    """A ledger that a restore set back does not know of them: nothing is sent twice."""
    nas.losses = 0
    nas.files["mine/live_snapshot.jpg"] = IMAGE
    await bench.start(setup(nas, render=lambda values: f"mine/{values.kind}"))
    bench.live_snapshot()
    await settled_as(bench, "verified")
    assert set(nas.files) == {"mine/live_snapshot.jpg"}
    assert not nas.history
    await until(lambda: bench.status.destinations["nas"].live_snapshots_uploaded == 1)


async def test_a_still_that_is_being_sent_never_gives_way(
    bench: Bench,
    nas: LostAnswers,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The new one waits for its place as long as that takes."""
    nas.losses = 0
    await limited(bench, images=1)
    await bench.start(setup(nas))
    nas.gate.clear()
    bench.live_snapshot(label="first")
    await until(lambda: nas.files)
    bench.live_snapshot(label="second")
    await until(lambda: "has to wait: The spool has reached" in caplog.text)
    nas.gate.set()
    assert await bench.settled() == {"verified": 2}


async def limited(bench: Bench, *, images: int) -> None:
    """Let the spool hold so many images."""
    bench.limits = Limits(spool_reserve=0)
    bench.options = replace(bench.options, spool_limit=images * len(IMAGE) + 100)


async def test_another_still_gives_way_than_the_one_that_is_being_sent(
    bench: Bench, nas: LostAnswers
) -> None:
    """Though it is the oldest."""
    nas.losses = 0
    cloud = FakeDestination()
    await limited(bench, images=2)
    first = Selection(labels=frozenset({"first"}))
    await bench.start(setup(nas, selection=first), setup(cloud, name="cloud"))
    await bench.engine.set_sending("cloud", False)
    nas.gate.clear()
    bench.live_snapshot(label="first")
    await until(lambda: nas.files)
    bench.live_snapshot(label="second")
    await bench.spooled_in_ledger(2)
    bench.live_snapshot(label="third")
    await until(lambda: bench.status.destinations["cloud"].failed_uploads)
    nas.gate.set()
    await until(lambda: list(nas.media.values()) == [IMAGE])
    await bench.engine.set_sending("cloud", True)
    assert await bench.settled() == {"verified": 3, "dropped": 1}
    (dropped,) = await bench.uploads(state="dropped")
    assert dropped.label == "second"


@pytest.mark.parametrize(
    "state", [UploadState.DROPPED, UploadState.GONE, UploadState.SKIPPED]
)
def test_what_arrives_after_it_was_given_up(
    connection: sqlite3.Connection,  # noqa: F811
    state: UploadState,
) -> None:
    """It is there: it counts, and nothing of it is cleaned up."""
    items.plan(connection, ITEM, (wanted("nas"),))
    fetch(connection, 1)
    upload_id = job(connection, "nas").upload_id
    uploads.started(connection, upload_id, temporary="t")
    outcomes.finish(connection, 1, state, "given up", now=5)
    outcomes.verified(connection, upload_id, size=7, now=6)
    row = connection.execute("SELECT state, reason, size FROM uploads").fetchone()
    assert tuple(row) == ("verified", None, 7)
    assert uploads.next_leftover(connection, "nas", exclude=()) is None
    summary = status_summary.summary(connection)
    assert summary.destinations["nas"].recordings_uploaded == 1
    assert spooled_files.spool_names(connection) == set()


@pytest.mark.parametrize(
    "end",
    [
        partial(outcomes.finish, file_id=1, state=UploadState.GONE, reason="gone"),
        partial(outcomes.skip, upload_ids=[1], reason="skipped"),
        partial(outcomes.cancel, destination_id="nas"),
    ],
)
def test_each_end_notes_what_a_try_left(
    connection: sqlite3.Connection,  # noqa: F811
    end: Callable[..., object],
) -> None:
    """The temporary name alone is to be cleaned up, never the final one."""
    items.plan(connection, ITEM, (wanted("nas"),))
    fetch(connection, 1)
    uploads.started(connection, 1, temporary="t")
    end(connection, now=5)
    leftover = uploads.next_leftover(connection, "nas", exclude=())
    assert leftover is not None
    assert leftover.temporary == "t"
    assert leftover.what is plans.ToRemove.TEMPORARY
    # A later try has a name of its own, and is not forgotten.
    uploads.started(connection, 1, temporary="u")
    uploads.removed(connection, 1, temporary="t")
    assert uploads.next_leftover(connection, "nas", exclude=()) is not None
