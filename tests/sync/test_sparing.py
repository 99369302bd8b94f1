"""What was to be removed, and is to stay: it counts as a copy only if it is there."""

import asyncio
from dataclasses import replace
from itertools import islice
import sqlite3
import time
from typing import override

import pytest

from custom_components.frigate_snap_sync.storage.base import StoredFile
from custom_components.frigate_snap_sync.storage.errors import (
    PermissionDenied,
    Unreachable,
)
from custom_components.frigate_snap_sync.sync.ledger import live_files
from custom_components.frigate_snap_sync.sync.ledger.live_files import piece_path
from custom_components.frigate_snap_sync.sync.model.spans import Spans, from_text, total
from custom_components.frigate_snap_sync.sync.model.status import ProtectFilter

from ..waiting import LONG
from .conftest import Bench, setup, until
from .live_film import messages
from .samples import ITEM
from .test_retention import DAY, Folders, filled, keeping, states


class Slow(Folders):
    """Deletes when a test lets it, and may do so without an answer."""

    def __init__(self) -> None:
        """Delete at once."""
        super().__init__()
        self.deleting: list[str] = []
        self.may_delete = asyncio.Event()
        self.may_delete.set()
        self.loses_answers = False
        self.looking: list[str] = []
        self.may_look = asyncio.Event()
        self.may_look.set()

    @override
    async def stat(self, path: str) -> StoredFile | None:
        self.looking.append(path)
        await self.may_look.wait()
        return await super().stat(path)

    @override
    async def delete(self, path: str) -> None:
        self.deleting.append(path)
        await self.may_delete.wait()
        await super().delete(path)
        if self.loses_answers:
            raise Unreachable("The answer got lost")


@pytest.fixture
def nas() -> Slow:
    """Return a destination."""
    return Slow()


async def state_of(bench: Bench, path: str) -> str:
    """Return the state of an upload."""
    found = await bench.engine._ledger.run(states)  # noqa: SLF001
    return found[path]


async def none_is_to_be_removed(bench: Bench) -> None:
    """Wait until nothing waits for its removal."""
    async with asyncio.timeout(LONG):
        while (
            await bench.engine._ledger.run(  # noqa: SLF001
                lambda connection: connection.execute(
                    "SELECT (SELECT COUNT(*) FROM uploads WHERE clean_up IS NOT NULL)"
                    " + (SELECT COUNT(*) FROM live_files WHERE clean_up = 1)"
                ).fetchone()[0]
            )
        ) != 0:
            await asyncio.sleep(0.01)


async def keep(bench: Bench, nas: Slow, how: str, path: str) -> None:
    """Let the owner keep a copy: protect it, or set another limit."""
    if how == "protect":
        protect = bench.engine.retention.protect
        assert await protect(ProtectFilter(item_id=path), is_protected=True) == 1
    else:
        await bench.engine.apply_destinations([keeping(nas, days=100)])


async def test_protected_while_it_is_deleted(bench: Bench, nas: Slow) -> None:
    """What is gone when that ends is no copy."""
    await filled(bench, nas, {"new.mp4": 0, "a.mp4": 40})
    nas.may_delete.clear()
    await bench.start(keeping(nas, days=30))
    await until(lambda: nas.deleting)
    await keep(bench, nas, "protect", "a.mp4")
    nas.may_delete.set()
    await until(lambda: "a.mp4" not in nas.files)
    await none_is_to_be_removed(bench)
    await bench.at_rest()
    assert await state_of(bench, "a.mp4") == "expired"


@pytest.mark.parametrize("how", ["protect", "days"])
async def test_kept_after_it_was_deleted_without_an_answer(
    bench: Bench, nas: Slow, how: str
) -> None:
    """That it was is seen when the destination is there again."""
    await filled(bench, nas, {"new.mp4": 0, "a.mp4": 40})
    bench.timing = replace(bench.timing, first_retry=0.3, longest_retry=0.3)
    nas.loses_answers = True
    await bench.start(keeping(nas, days=30))
    await until(lambda: bench.status.destinations["nas"].failing_since)
    await keep(bench, nas, how, "a.mp4")
    nas.loses_answers = False
    await none_is_to_be_removed(bench)
    await bench.at_rest()
    assert await state_of(bench, "a.mp4") == "expired"
    assert await state_of(bench, "new.mp4") == "verified"


@pytest.mark.parametrize("is_theirs", [False, True])
async def test_protected_after_a_refused_deletion(
    bench: Bench, nas: Slow, is_theirs: bool
) -> None:
    """It lies there still, and is a copy again; what another put there is none."""
    await filled(bench, nas, {"new.mp4": 0, "a.mp4": 40})
    bench.timing = replace(bench.timing, longest_retry=0.1)
    nas.refusal = PermissionDenied("Immutable")
    await bench.start(keeping(nas, days=30))
    await until(lambda: bench.status.destinations["nas"].last_error)
    if is_theirs:
        nas.files["a.mp4"] = b"trimmed"
    await keep(bench, nas, "protect", "a.mp4")
    await none_is_to_be_removed(bench)
    nas.refusal = None
    await bench.at_rest()
    assert "a.mp4" in nas.files
    expected = "expired" if is_theirs else "verified"
    assert await state_of(bench, "a.mp4") == expected


async def test_spared_just_before_it_is_deleted(bench: Bench, nas: Slow) -> None:
    """Its removal was decided on, but has not begun."""
    await filled(bench, nas, {"new.mp4": 0, "a.mp4": 40})
    nas.may_look.clear()
    await bench.start(keeping(nas, days=30))
    await until(lambda: "a.mp4" in nas.looking)
    await keep(bench, nas, "protect", "a.mp4")
    nas.may_look.set()
    await none_is_to_be_removed(bench)
    assert await state_of(bench, "a.mp4") == "verified"
    assert "a.mp4" in nas.files
    assert not nas.deleting


def film(
    connection: sqlite3.Connection, path: str, *, pieces: int | None, size: int
) -> str:
    """Let film of an item stay at the destination for good; return its path."""
    start = time.time() - 40 * DAY
    live = live_files.begin(
        connection,
        path,
        "nas",
        base=path,
        short_id=ITEM.short_id,
        start=start,
        pieces=pieces,
    )
    assert live is not None
    held = ((start, start + 9),)
    live_files.ended(connection, live.id, held=held, size=size)
    return live.path


FILM = b"".join(each.data for each in islice(messages(), 12))
"""A piece of film that plays for about a second."""


async def shown_by_film(bench: Bench) -> Spans | None:
    """Return what the only film that there is shows, None as long as that is unknown."""
    (held,) = await bench.engine._ledger.run(  # noqa: SLF001
        lambda connection: connection.execute("SELECT held FROM live_files").fetchone()
    )
    return None if held is None else from_text(held)


def film_of(connection: sqlite3.Connection) -> list[tuple[str, int, bool]]:
    """Return the state of all film, if it is to be removed, and if what it shows is known."""
    rows = connection.execute(
        "SELECT state, clean_up, held IS NOT NULL FROM live_files ORDER BY id"
    )
    return [tuple(row) for row in rows]


@pytest.mark.parametrize(
    ("how", "pieces", "left"),
    [
        ("protect", None, 1),
        ("days", None, 1),
        ("protect", 2, 2),
        ("protect", 2, 1),
        ("protect", 2, 0),
        ("days", 2, 0),
        ("protect", None, 0),
    ],
)
async def test_live_film_that_was_not_removed_yet(
    bench: Bench, nas: Slow, how: str, pieces: int | None, left: int
) -> None:
    """Its time was over: what is still there of it stays, and no more is claimed."""
    await filled(bench, nas, {"new.mp4": 0, "a.mp4": 40})
    bench.timing = replace(bench.timing, longest_retry=0.1)
    await bench.start(setup(nas))
    ledger = bench.engine._ledger  # noqa: SLF001
    path = await ledger.run(
        film, "a.mp4", pieces=pieces, size=len(FILM) * (pieces or 1)
    )
    names = [piece_path(path, n + 1) for n in range(pieces or 0)] or [path]
    nas.files |= dict.fromkeys(names, FILM)
    await bench.stop()
    nas.refusal = PermissionDenied("Immutable")
    await bench.start(keeping(nas, days=30))
    ledger = bench.engine._ledger  # noqa: SLF001
    await until(lambda: names[-1] in nas.deleting)
    assert await ledger.run(film_of) == [("expired", 1, True)]
    for name in names[left:]:
        # It was deleted, and only the answer got lost.
        del nas.files[name]
    await keep(bench, nas, how, "a.mp4")
    nas.refusal = None
    await none_is_to_be_removed(bench)
    await bench.at_rest()
    if left:
        # It is looked at what is still there.
        await until(lambda: shown_by_film(bench))
        seconds = total(await shown_by_film(bench) or ())
        assert seconds == pytest.approx(9) if left == len(names) else seconds < 2
    kept = ("kept", 0, True)
    assert await ledger.run(film_of) == ([kept] if left else [])
    assert set(nas.media) == {"new.mp4", "a.mp4", *names[:left]}


async def test_a_file_that_took_the_place_of_ours_stays(
    bench: Bench, nas: Slow, caplog: pytest.LogCaptureFixture
) -> None:
    """Its owner trimmed it, or another program wrote it: it is not what we put there."""
    ages = {"new.mp4": 0.0, "same.mp4": 39.0, "a.mp4": 40.0, "gone.mp4": 41.0}
    await filled(bench, nas, ages)
    nas.files["a.mp4"] = b"trimmed"
    del nas.files["gone.mp4"]
    caplog.set_level("INFO")
    await bench.start(keeping(nas, days=30))
    await until(lambda: "same.mp4" not in nas.files)
    await none_is_to_be_removed(bench)
    assert nas.media == {"a.mp4": b"trimmed", "new.mp4": b"....."}
    assert await state_of(bench, "a.mp4") == "expired"
    assert caplog.text.count("a.mp4 stays at nas: it is not what was sent") == 1
