"""What is no longer to lie at a destination is removed, whatever resists."""

import asyncio
from dataclasses import replace
from hashlib import sha256
from itertools import pairwise
import sqlite3
import time
from typing import override

import pytest

from custom_components.frigate_snap_sync.storage.errors import (
    PermissionDenied,
    Rejected,
    StorageError,
)
from custom_components.frigate_snap_sync.sync.ledger import (
    fetch_queue,
    items,
    live_files,
    outcomes,
)
from custom_components.frigate_snap_sync.sync.model.coverage import Coverage
from custom_components.frigate_snap_sync.sync.model.item import Role
from custom_components.frigate_snap_sync.sync.model.limits import Limits
from custom_components.frigate_snap_sync.sync.model.spans import from_text, total

from ..waiting import LONG
from .conftest import FAST, Bench, setup, until
from .fakes import IMAGE, FakeDestination
from .ledgers import wanted
from .samples import ITEM
from .test_sparing import FILM


class Stubborn(FakeDestination):
    """Refuses to delete some files, for a while."""

    def __init__(self, *names: str) -> None:
        """Hold these."""
        super().__init__()
        self.held = set(names)
        self.refusal: StorageError = Rejected("Device or resource busy")
        self.tried: list[str] = []
        self.refused: list[str] = []
        self.refused_at: list[float] = []

    @override
    async def delete(self, path: str) -> None:
        self.tried.append(path)
        if path in self.held:
            self.refused.append(path)
            self.refused_at.append(time.monotonic())
            raise self.refusal
        await super().delete(path)


async def superseded(bench: Bench, nas: FakeDestination, count: int) -> None:
    """Let files lie there that were superseded, named by their numbers."""
    for number in range(count):
        item = replace(ITEM, source_id=str(number))
        name = f"{number}.mp4"
        nas.files[name] = b"a part"
        await bench.engine._ledger.run(  # noqa: SLF001
            items.plan, item, (wanted("nas", path=name),)
        )
    for statement in (
        "UPDATE files SET state = 'released'",
        "UPDATE uploads SET state = 'superseded', clean_up = 'file'",
    ):
        await bench.engine._ledger.run(sqlite3.Connection.execute, statement)  # noqa: SLF001
    bench.engine._pool.wake(["nas"])  # noqa: SLF001


@pytest.mark.parametrize(
    "refusal", [Rejected("Device or resource busy"), PermissionDenied("Immutable")]
)
async def test_a_file_that_can_not_be_deleted(
    bench: Bench, refusal: StorageError
) -> None:
    """It holds up no other, is tried again after a while, and not before."""
    bench.timing = replace(FAST, longest_retry=0.4)
    nas = Stubborn("0.mp4")
    nas.refusal = refusal
    await bench.start(setup(nas))
    await until(lambda: bench.status.destinations["nas"].connected)
    await superseded(bench, nas, 5)
    await until(lambda: set(nas.media) == {"0.mp4"})
    assert nas.tried[:5] == [f"{number}.mp4" for number in range(5)]
    bench.engine._pool.wake(["nas"])  # noqa: SLF001
    await until(lambda: bench.status.destinations["nas"].last_error)
    await until(lambda: len(nas.refused_at) >= 3)
    for before, after in pairwise(nas.refused_at):
        assert after - before >= bench.timing.longest_retry
    # Nor does it keep anything from being sent.
    assert bench.status.destinations["nas"].failing_since is None
    nas.held.clear()
    await until(lambda: not nas.media)


async def test_many_files_that_can_not_be_deleted(bench: Bench) -> None:
    """Those that resist are kept in mind, but not without end."""
    bench.limits = Limits(stuck_leftovers=2)
    bench.timing = replace(FAST, longest_retry=0.5)
    nas = Stubborn("0.mp4", "1.mp4")
    await bench.start(setup(nas))
    await until(lambda: bench.status.destinations["nas"].connected)
    await superseded(bench, nas, 3)
    await until(lambda: nas.refused[:2] == ["0.mp4", "1.mp4"])
    await bench.at_rest()
    assert set(nas.media) == {"0.mp4", "1.mp4", "2.mp4"}
    nas.held.clear()
    await until(lambda: not nas.media)


def _film(connection: sqlite3.Connection, *, pieces: int) -> live_files.LiveFile:
    """Let film in so many pieces be ours, of an active review."""
    items.remember_open(connection, replace(ITEM, end=None))
    film = live_files.begin(
        connection,
        ITEM.source_id,
        "nas",
        base="a.mp4",
        short_id="?",
        start=1000,
        pieces=pieces,
    )
    assert film is not None
    live_files.own(connection, film.id)
    return film


async def test_film_in_many_pieces_is_removed_bit_by_bit(bench: Bench) -> None:
    """Nothing waits until all of it is gone, and no piece is removed twice."""
    bench.timing = replace(FAST, longest_retry=0.1)
    nas = Stubborn("a-live01-0050.mp4")
    await bench.start(setup(nas))
    await until(lambda: bench.status.destinations["nas"].connected)

    def store(connection: sqlite3.Connection) -> None:
        film = _film(connection, pieces=250)
        # It shows nothing, say.
        live_files.ended(connection, film.id, held=(), size=0)

    await bench.engine._ledger.run(store)  # noqa: SLF001
    bench.engine._pool.wake(["nas"])  # noqa: SLF001
    await until(lambda: nas.refused)
    nas.held.clear()

    async def is_over() -> bool:
        rows = await bench.engine._ledger.run(  # noqa: SLF001
            lambda connection: connection.execute("SELECT 1 FROM live_files").fetchall()
        )
        return not rows

    async with asyncio.timeout(LONG):
        while not await is_over():
            await asyncio.sleep(0.01)
    numbers = [int(path[-8:-4]) for path in nas.tried if "-live01-" in path]
    assert list(dict.fromkeys(numbers)) == list(range(250, 0, -1))
    assert sorted(numbers)[-200:] == list(range(51, 251))


async def test_what_was_removed_is_noted(bench: Bench) -> None:
    """It is removed once, and not looked for again, also after a restart."""
    nas = FakeDestination()
    await bench.start(setup(nas))
    await until(lambda: bench.status.destinations["nas"].connected)
    await superseded(bench, nas, 3)

    async def noted() -> bool:
        rows = await bench.engine._ledger.run(  # noqa: SLF001
            lambda connection: connection.execute(
                "SELECT COUNT(*) FROM uploads WHERE clean_up IS NOT NULL"
            ).fetchone()
        )
        return tuple(rows) == (0,)

    async with asyncio.timeout(LONG):
        while not await noted():
            await asyncio.sleep(0.01)
    await bench.stop()
    await bench.start(setup(nas))
    bench.live_snapshot()
    await until(lambda: IMAGE in nas.media.values())
    names = [path for path in nas.deleted if path.endswith(".mp4")]
    assert sorted(names) == ["0.mp4", "1.mp4", "2.mp4"]


@pytest.mark.parametrize("is_answered", [True, False])
@pytest.mark.parametrize("is_there", [True, False])
async def test_the_whole_vanished_before_what_it_replaced_was_removed(
    bench: Bench, is_there: bool, is_answered: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """A destination came back as it was some time ago: no more than that is left.

    Also of a part of which it was not heard that it had got its final name.
    """
    bench.timing = replace(FAST, longest_retry=0.1)
    nas = Stubborn("a-part1.mp4", "a-part2.mp4", "a-live01.mp4")
    await bench.start(setup(nas))
    await until(lambda: bench.status.destinations["nas"].connected)
    ledger = bench.engine._ledger  # noqa: SLF001

    def store(connection: sqlite3.Connection) -> None:
        review = replace(ITEM, end=None)
        items.remember_open(connection, review)
        plans = [
            replace(
                wanted("nas", number=number, path="a.mp4"),
                role=Role.PART,
                suffix=f"part{number}",
                start=start,
                end=start + 10,
            )
            for number, start in ((1, 1000), (2, 1010))
        ]
        items.add_files(connection, review, tuple(plans))
        film = live_files.begin(
            connection, ITEM.source_id, "nas", base="a.mp4", short_id="?", start=1000
        )
        assert film is not None
        live_files.own(connection, film.id)
        live_files.ended(connection, film.id, held=((1000, 1020),), size=4)
        nas.files[film.path] = b"film"
        whole = replace(wanted("nas", path="a.mp4"), start=1000, end=1020)
        items.plan(connection, replace(ITEM, end=1020), (whole,))
        for row in connection.execute(
            "SELECT files.id AS file_id, uploads.id AS id, start, files.end, path"
            " FROM files JOIN uploads ON file_id = files.id ORDER BY uploads.id"
        ).fetchall():
            shown = ((row["start"], row["end"]),)
            fetch_queue.fetched(
                connection,
                row["file_id"],
                spool_name=f"s{row['id']}",
                size=7,
                sha256="00",
                coverage=Coverage(shown=shown, least=shown, most=shown),
            )
            nas.files[row["path"]] = b"footage"
            if row["path"] == "a-part2.mp4" and not is_answered:
                connection.execute(
                    "UPDATE uploads SET temporary = 'a.tmp', tried_size = 7,"
                    " tried_sha256 = ? WHERE id = ?",
                    (sha256(b"footage").hexdigest(), row["id"]),
                )
                continue
            outcomes.verified(connection, row["id"], size=7, now=time.time() - 3600)

    await ledger.run(store)
    assert set(nas.files) == {"a.mp4", *nas.held}
    if not is_there:
        del nas.files["a.mp4"]
    nas.held = set()
    bench.engine._pool.wake(["nas"])  # noqa: SLF001
    if is_there:
        await until(lambda: set(nas.files) == {"a.mp4"})
        return
    await until(lambda: bench.status.losses.count)
    await until(lambda: caplog.text.count("replaced it is no longer there") == 3)
    await bench.at_rest()
    assert set(nas.files) == {"a-part1.mp4", "a-part2.mp4", "a-live01.mp4"}
    states = [row.state for row in await bench.uploads(item_id=ITEM.source_id)]
    assert states.count("verified") == 3


@pytest.mark.parametrize("resists", [50, 20])
async def test_the_whole_vanished_while_film_was_removed_bit_by_bit(
    bench: Bench, resists: int
) -> None:
    """What is left of it stays, and no more is claimed."""
    bench.timing = replace(FAST, longest_retry=0.1, probe=0.1)
    nas = Stubborn(f"a-live01-{resists:04}.mp4")
    await bench.start(setup(nas))
    await until(lambda: bench.status.destinations["nas"].connected)
    ledger = bench.engine._ledger  # noqa: SLF001

    def store(connection: sqlite3.Connection) -> None:
        film = _film(connection, pieces=150)
        size = 150 * len(FILM)
        live_files.ended(connection, film.id, held=((1000, 1020),), size=size)
        for number in range(150):
            nas.files[live_files.piece_path(film.path, number + 1)] = FILM
        whole = replace(wanted("nas", path="a.mp4"), start=1000, end=1020)
        items.plan(connection, replace(ITEM, end=1020), (whole,))
        shown = ((1000.0, 1020.0),)
        fetch_queue.fetched(
            connection,
            1,
            spool_name="s",
            size=7,
            sha256="00",
            coverage=Coverage(shown=shown, least=shown, most=shown),
        )
        nas.files["a.mp4"] = b"footage"
        outcomes.verified(connection, 1, size=7, now=time.time() - 3600)

    await ledger.run(store)
    bench.engine._pool.wake(["nas"])  # noqa: SLF001
    await until(lambda: nas.refused)
    del nas.files["a.mp4"]
    nas.held.clear()

    async def film() -> tuple[str, int, int, str | None]:
        row = await ledger.run(
            lambda connection: connection.execute(
                "SELECT state, pieces, size, held FROM live_files"
            ).fetchone()
        )
        return row["state"], row["pieces"], row["size"], row["held"]

    async def is_known_again() -> bool:
        state, _, _, held = await film()
        return state == "kept" and held is not None

    await until(is_known_again)
    await bench.at_rest()
    state, pieces, size, held = await film()
    assert (state, size) == ("kept", resists * len(FILM))
    # One more may lie there under its temporary name.
    assert resists <= pieces <= resists + 1
    assert total(from_text(held)) < 2
    assert len(nas.media) == resists
