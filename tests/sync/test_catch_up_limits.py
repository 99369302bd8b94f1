"""Catching up when Frigate has very much to give, or something odd."""

from bisect import bisect_left, bisect_right
from contextlib import suppress
from dataclasses import replace
import time
from typing import Any

import pytest

from custom_components.frigate_snap_sync.frigate.errors import (
    FrigateServerError,
    UnreadableRows,
)
from custom_components.frigate_snap_sync.frigate.models import Page, Review
from custom_components.frigate_snap_sync.sync.ledger import milestones
from custom_components.frigate_snap_sync.sync.model.limits import Limits
from custom_components.frigate_snap_sync.sync.model.selection import Selection

from .conftest import Bench, setup, until
from .fakes import FakeDestination
from .test_catch_up import age, ids, show, tracked

DAY = 86400.0


async def moment_of(bench: Bench) -> float:
    """Return up to when all is known."""
    moment: float = await bench.engine._ledger.run(  # noqa: SLF001
        milestones.moment, milestones.CAUGHT_UP, default=0
    )
    return moment


async def test_more_objects_than_are_looked_at_at_once(
    bench: Bench, nas: FakeDestination
) -> None:
    """The next comparison continues behind them, and the window waits for it."""
    bench.limits = Limits(object_page=2, object_pages=3)
    await age(bench, nas, hours=60)
    show(bench, *(tracked(f"o{n}", -150000 - n, -140000 - n) for n in range(20)))
    began = time.time()
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    for _ in range(10):
        # Beside those that are made by themselves.
        await bench.engine.catch_up()
        counts = (await bench.engine.diagnostics())["counts"]["uploads"]
        reached = await moment_of(bench)
        if sum(counts.values()) == 20:
            break
        assert reached < began - 140000
    assert await moment_of(bench) >= began
    await until(lambda: len(ids(nas)) == 20)
    assert len(nas.history) == 20


async def test_a_day_that_failed_beside_what_is_left(
    bench: Bench, nas: FakeDestination
) -> None:
    """It is asked for again, before the window moves past it."""
    bench.limits = Limits(object_page=2, object_pages=3)
    await age(bench, nas, hours=60)
    began, events, failures = time.time(), bench.frigate.events, 0
    show(bench, *(tracked(f"o{n}", -150000 - n, -140000 - n) for n in range(20)))
    show(bench, tracked("missed", -100000, -95000))

    async def fail(*, after: float, before: float, **others: Any) -> Page:
        nonlocal failures
        if after < began - 100000 < before and not others.get("in_progress"):
            is_day = others.get("min_length") is None and after > began - 149000
            failures += is_day
            if is_day and failures == 1:
                raise FrigateServerError("no")
        return await events(after=after, before=before, **others)

    bench.frigate.events = fail  # type: ignore[method-assign]
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    await until(lambda: failures)
    for _ in range(10):
        with suppress(FrigateServerError):
            await bench.engine.catch_up()
        if await moment_of(bench) >= began:
            break
    await until(lambda: len(ids(nas)) >= 20)
    await bench.at_rest()
    assert "missed" in ids(nas)


async def test_tens_of_thousands_of_objects(bench: Bench, nas: FakeDestination) -> None:
    """The oldest of them is found in one comparison."""
    await age(bench, nas, hours=30)
    first = replace(tracked("first", -80001, -79000), label="cat")
    many = [
        replace(first, id=f"1.5-o{n}", start_time=first.start_time + n, label="dog")
        for n in range(20_500)
    ]
    starts = [row.start_time for row in (first, *many)]

    async def events(*, after: float, before: float, limit: int, **others: Any) -> Page:
        if others.get("in_progress") or others.get("min_length") is not None:
            return Page(objects=[], oldest=None)
        low, high = bisect_right(starts, after), bisect_left(starts, before)
        rows = [first, *many][max(low, high - limit) : high][::-1]
        full = len(rows) == limit
        return Page(objects=rows, oldest=rows[-1].start_time if full else None)

    bench.frigate.events = events  # type: ignore[method-assign]
    # The others are not wanted, so that they need not be sent.
    cats = Selection(labels=frozenset({"cat"}))
    await bench.start(setup(nas, selection=cats))
    await until(lambda: ids(nas) == {"first"})


async def test_an_answer_that_is_always_the_same(
    bench: Bench, nas: FakeDestination
) -> None:
    """It is an error, which does not take for ever to be seen."""
    row = tracked("same", -500, -400)

    async def same(*, limit: int, **_: Any) -> Page:
        return Page(objects=[row] * limit, oldest=row.start_time + 1e6)

    await age(bench, nas, hours=2)
    bench.frigate.events = same  # type: ignore[method-assign]
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    before = await moment_of(bench)
    with pytest.raises(FrigateServerError, match="again and again"):
        await bench.engine.catch_up()
    assert await moment_of(bench) == before


async def test_pages_of_which_nothing_can_be_read(
    bench: Bench, nas: FakeDestination
) -> None:
    """There are objects, so this is not "nothing there"."""
    bench.limits = Limits(object_page=2)
    await age(bench, nas, hours=2)
    rows = [tracked(f"o{n}", -500 - n, -400) for n in range(4)]
    show(bench, *rows)
    bench.frigate.odd = {row.id for row in rows}
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    before = await moment_of(bench)
    with pytest.raises(UnreadableRows):
        await bench.engine.catch_up()
    assert await moment_of(bench) == before


async def test_what_can_not_be_read_lets_the_window_grow_for_a_week(
    bench: Bench, nas: FakeDestination
) -> None:
    """A row that no version will ever understand is not asked for for ever."""
    await age(bench, nas, hours=20 * 24)
    recent, ancient = (time.time() - days * DAY for days in (3.3, 10.3))
    odd = {recent, ancient}
    asked = []

    async def reviews(*, after: float, before: float) -> list[Review]:
        asked.append(after)
        if any(after < each < before for each in odd):
            raise UnreadableRows("/api/review answers nothing readable")
        return []

    bench.frigate.reviews = reviews  # type: ignore[method-assign]
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    for _ in range(3):
        with pytest.raises(UnreadableRows):
            await bench.engine.catch_up()
        assert time.time() - 7 * DAY - 60 < await moment_of(bench) < recent
    assert min(asked) < ancient
    asked.clear()
    with pytest.raises(UnreadableRows):
        await bench.engine.catch_up()
    assert min(asked) > time.time() - 8 * DAY
    assert recent - DAY < await moment_of(bench) < recent
    odd.clear()
    await bench.engine.catch_up()
    assert await moment_of(bench) > time.time() - 60


async def test_a_day_that_fails_is_where_the_next_comparison_begins(
    bench: Bench, nas: FakeDestination
) -> None:
    """What was known before it need not be asked for again."""
    await age(bench, nas, hours=10 * 24)
    failing = time.time() - 2.5 * DAY
    reviews = bench.frigate.reviews

    async def fail(*, after: float, before: float) -> list[Review]:
        if after < failing < before:
            raise FrigateServerError("Answer of more than 16777216 bytes")
        return await reviews(after=after, before=before)

    bench.frigate.reviews = fail  # type: ignore[method-assign]
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    with pytest.raises(FrigateServerError):
        await bench.engine.catch_up()
    assert failing - DAY < await moment_of(bench) < failing
    bench.frigate.windows.clear()
    bench.frigate.reviews = reviews  # type: ignore[method-assign]
    await bench.engine.catch_up()
    assert min(after for after, _ in bench.frigate.windows) > failing - 2 * DAY
