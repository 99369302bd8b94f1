"""What a restored ledger has forgotten is found at the destinations, not sent again."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
import shutil
import sqlite3
import time

import pytest

from custom_components.frigate_snap_sync.frigate.models import Segment
from custom_components.frigate_snap_sync.storage.errors import (
    PermissionDenied,
    Unreachable,
)
from custom_components.frigate_snap_sync.sync.ledger import (
    items,
    restored as ledger_restored,
    uploads,
)
from custom_components.frigate_snap_sync.sync.model.naming import (
    NameValues,
    Render,
    differs_in_labels_only,
    ending_of,
)

from .conftest import Bench, setup, until
from .fakes import FULL_IMAGE, FakeDestination
from .ledgers import fetch, job, wanted
from .samples import ITEM
from .test_restore import long_ago


def by_label_and_time(values: NameValues) -> str:
    """Hold no id, but where and when an item began."""
    return f"{values.camera}/{values.label}/{values.start:%Y-%m-%d_%H-%M-%S}"


def by_all_and_id(values: NameValues) -> str:
    """Hold all that may become known late."""
    zones, is_open = "+".join(values.zones), values.end is None
    return f"{values.severity}-{zones}-{is_open}/{'+'.join(values.labels)}-{values.id}"


def by_label(values: NameValues) -> str:
    """Hold nothing that other items have not as well."""
    return f"{values.camera}/{values.label or values.kind}"


ALL_NAMES = pytest.mark.parametrize(
    "render",
    [None, by_label_and_time, by_all_and_id],
    ids=["default names", "label and time", "id"],
)


@pytest.fixture
def nas(nas: FakeDestination, bench: Bench) -> FakeDestination:
    """Return a destination; Frigate has footage of all times."""
    bench.options = replace(bench.options, upload_during_review=True)
    bench.frigate.footage = lambda camera, after, before: [
        Segment(start_time=after, end_time=before)
    ]
    return nas


async def start(bench: Bench, nas: FakeDestination, render: Render | None) -> None:
    """Start an engine that is connected."""
    await bench.start(setup(nas, render=render))
    await until(lambda: bench.status.frigate_connected)


async def restored(
    bench: Bench,
    nas: FakeDestination,
    happen: Callable[[], Awaitable[None]],
    *,
    render: Render | None = None,
    again: Callable[[], object] | None = None,
) -> dict[str, bytes]:
    """Let things happen after a backup, and restore it; return what lay there before.

    What is not in Frigate's API is let happen `again`.
    """
    await start(bench, nas, render)
    await bench.engine._ledger.run(long_ago)  # noqa: SLF001
    await bench.engine.back_up()
    await bench.stop()
    ledger, saved = bench.folder / "ledger", bench.folder / "saved"
    shutil.copytree(ledger, saved)
    await start(bench, nas, render)
    await happen()
    await without_parts(bench, nas)
    before = dict(nas.media)
    await bench.stop()
    shutil.rmtree(ledger)
    shutil.copytree(saved, ledger)
    nas.history.clear()
    await start(bench, nas, render)
    await bench.engine.catch_up(3600)
    if again is not None:
        again()
    await without_parts(bench, nas)
    return before


async def without_parts(bench: Bench, nas: FakeDestination) -> None:
    """Wait until all has been sent, and the parts were removed."""
    assert set(await bench.settled()) <= {"verified", "superseded"}
    await until(lambda: not [path for path in nas.media if "-part" in path])


def a_review(
    bench: Bench, nas: FakeDestination, **end: object
) -> Callable[[], Awaitable[None]]:
    """Return what lets a review run until a part of it lies there, and then end so."""
    start = float(int(time.time()) - 40)

    async def happen() -> None:
        review = bench.review("new", start=start, severity="detection")
        await until(lambda: nas.media)
        bench.review(
            "end",
            source_id=review,
            known=True,
            start=start,
            **({"end": start + 38, "severity": "detection"} | end),  # type: ignore[arg-type]
        )
        await until(lambda: [path for path in nas.media if "-part" not in path])

    return happen


@ALL_NAMES
async def test_a_recording_that_parts_made_longer(
    bench: Bench, nas: FakeDestination, render: Render | None
) -> None:
    """The restored ledger knows of no part, and asks for less."""
    happen = a_review(bench, nas, end=float(int(time.time()) - 32))
    before = await restored(bench, nas, happen, render=render)
    assert bench.frigate.clips[-1][2] < max(end for _, _, end in bench.frigate.clips)
    assert nas.media == before
    assert not [path for path in nas.history if path in nas.media]
    (row,) = await bench.uploads(state="verified")
    assert (row.path, row.size) == next(
        (path, len(content)) for path, content in before.items()
    )


@ALL_NAMES
async def test_a_recording_of_which_more_became_known(
    bench: Bench, nas: FakeDestination, render: Render | None
) -> None:
    """Its name is that of the first file, and not made of all that is known at the end."""
    happen = a_review(
        bench,
        nas,
        objects=["person", "car", "dog"],
        zones=["drive", "porch"],
        severity="alert",
    )
    before = await restored(bench, nas, happen, render=render)
    (path,) = before
    assert "car" not in path
    assert nas.media == before
    assert not [path for path in nas.history if path in nas.media]


@pytest.mark.parametrize("more", [1000, 0, -1000])
async def test_only_a_copy_that_holds_less_is_replaced(
    bench: Bench, nas: FakeDestination, more: int
) -> None:
    """One that holds more, since film made it longer, say, stays."""
    happen = a_review(bench, nas)
    longer: dict[str, bytes] = {}

    async def grow() -> None:
        await happen()
        await without_parts(bench, nas)
        ((path, content),) = nas.media.items()
        content = content[:more] if more < 0 else content + bytes(more)
        nas.files[path] = longer[path] = content

    before = await restored(bench, nas, grow)
    if more < 0:
        assert nas.media.keys() == before.keys()
        assert nas.media != longer
    else:
        assert nas.media == longer


async def test_a_try_that_the_backup_knows_replaces_no_longer_copy(
    bench: Bench, nas: FakeDestination
) -> None:
    """What lies there came after the backup, not from that try."""
    start_time = float(int(time.time()) - 100)
    bench.timing = replace(bench.timing, jitter=lambda low, high: 1000)
    await start(bench, nas, None)
    await bench.engine._ledger.run(long_ago)  # noqa: SLF001
    nas.faults = [Unreachable("The cable was cut")]
    bench.review("end", start=start_time, end=start_time + 20, known=True)
    await until(lambda: not nas.faults)
    await until(lambda: bench.status.destinations["nas"].connected is False)
    (row,) = await bench.uploads()
    await bench.stop()
    (bench.folder / "spool.generation").unlink()
    nas.files[row.path] = longer = bytes(100_000)
    await bench.start(setup(nas))
    assert await bench.settled() == {"verified": 1}
    assert nas.media == {row.path: longer}


async def test_a_larger_picture_of_an_object(
    bench: Bench, nas: FakeDestination
) -> None:
    """Frigate may draw another box each time it is asked."""
    begin = time.time() - 100
    tracked = partial(
        bench.tracked_object,
        source_id=f"{begin}-def456",
        start_time=begin,
        end_time=begin + 10,
    )

    async def happen() -> None:
        tracked()
        await until(lambda: nas.media)
        nas.files = {path: FULL_IMAGE + bytes(10) for path in nas.media}

    before = await restored(bench, nas, happen, again=tracked)
    assert list(nas.media) == list(before)
    assert nas.media != dict.fromkeys(before, FULL_IMAGE)


async def test_another_review_s_file_is_no_copy(
    bench: Bench, nas: FakeDestination
) -> None:
    """With a template whose names hold neither id nor time."""
    nas.files["front_door/person.mp4"] = other = bytes(100_000)
    start_time = float(int(time.time()) - 100)

    async def happen() -> None:
        bench.review("end", start=start_time, end=start_time + 20, known=True)
        await until(lambda: len(nas.media) > 1)
        nas.files.pop("front_door/person-abc123.mp4")

    await start(bench, nas, by_label)
    await restored_once(bench)
    await start(bench, nas, by_label)
    await happen()
    assert nas.media == {"front_door/person.mp4": other}


async def restored_once(bench: Bench) -> None:
    """Stop, as if the ledger had been set back meanwhile."""
    await bench.stop()
    (bench.folder / "spool.generation").unlink()


async def test_a_folder_that_can_not_be_listed(
    bench: Bench, nas: FakeDestination
) -> None:
    """Then a file is looked for under its own name only, and sent all the same."""

    def refuse(path: str = "") -> object:
        raise PermissionDenied("No right to list")

    await start(bench, nas, None)
    await restored_once(bench)
    nas.list_files = refuse  # type: ignore[method-assign,assignment]
    await start(bench, nas, None)
    bench.review("end", start=time.time() - 60, end=time.time() - 40)
    assert await bench.settled() == {"verified": 1}


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ("d/1-cam-recording-cat-abc123-01.mp4", True),
        ("d/1-cam-recording-abc123-01.mp4", True),
        ("d/1-cam-recording-cat-abc123.mp4", False),
        ("d/1-cam-recording-cat-abc123-02.mp4", False),
        ("d/1-cam-recording-cat-abc123-part001.mp4", False),
        ("d/1-cam-recording-cat-xabc123-01.mp4", False),
        ("d/2-cam-recording-cat-abc123-01.mp4", False),
        ("e/1-cam-recording-cat-abc123-01.mp4", False),
    ],
)
def test_names_of_one_file(other: str, expected: bool) -> None:
    """The same camera, time, id and piece."""
    path = "d/1-cam-recording-cat+dog-abc123-01.mp4"
    ending = ending_of(path, "abc123")
    assert ending == "-abc123-01.mp4"
    assert differs_in_labels_only(path, other, ending) is expected


def test_a_name_without_the_id() -> None:
    """Or one that has it elsewhere."""
    assert ending_of("abc123/1-cam.mp4", "abc123") is None


def test_a_ledger_set_back_begins_its_tries_again(
    connection: sqlite3.Connection,
) -> None:
    """But what they have sent is still looked for."""
    items.plan(connection, ITEM, (wanted("nas"),))
    fetch(connection, 1)
    uploads.started(connection, 1, temporary="t")
    tried = job(connection, "nas").tried
    ledger_restored.distrust(connection)
    after = job(connection, "nas")
    assert (after.attempts, after.temporary, after.tried) == (0, "t", tried)
