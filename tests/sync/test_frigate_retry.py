"""When a Frigate that does not answer is asked again."""

from collections.abc import Callable, Iterable
from itertools import pairwise

import pytest

from custom_components.frigate_snap_sync.sync.model.timing import Timing
from custom_components.frigate_snap_sync.sync.monitoring.frigate_retry import (
    FrigateRetry,
)

TIMING = Timing()


def tries(
    retry: FrigateRetry,
    *,
    until: float,
    start: float = 0.0,
    hints: Iterable[float] = (),
    is_refusal: Callable[[float], bool] = lambda now: False,
) -> list[float]:
    """Return when a Frigate is asked that never answers, in tenths of a second."""
    asked, pending, now = [], sorted(hints), start
    while now < until:
        while pending and pending[0] <= now:
            retry.hint(pending.pop(0))
        if not retry.remaining(now):
            retry.asking(now)
            retry.failed(now, is_refusal=is_refusal(now))
            asked.append(round(now - start, 1))
        now = round(now + 0.1, 1)
    return asked


def test_without_a_hint() -> None:
    """Ever more slowly, up to once a minute."""
    assert tries(FrigateRetry(TIMING), until=300) == [
        *(0, 5, 15, 35, 75),
        *(135, 195, 255),
    ]


def test_after_a_hint() -> None:
    """At once, and after 1, 2, 4, 8 … s."""
    retry = FrigateRetry(TIMING)
    tries(retry, until=1000)
    assert tries(retry, start=1000, until=1130, hints=[1000]) == [
        *(0, 1, 3, 7, 15, 31),
        *(63, 123),
    ]


def test_a_hint_while_frigate_is_being_asked() -> None:
    """It counts: what is under way may have begun too early."""
    retry = FrigateRetry(TIMING)
    retry.asking(0)
    retry.hint(1)
    retry.failed(30, is_refusal=False)
    assert retry.remaining(30) == 0


@pytest.mark.parametrize("had_come_and_gone", [False, True])
def test_a_hint_while_frigate_answers(had_come_and_gone: bool) -> None:
    """It has started again unnoticed: 1, 2, 4, 8 … s as well."""
    retry = FrigateRetry(TIMING)
    if had_come_and_gone:
        for now in range(100):
            retry.answered(now)
            retry.failed(now + 0.5, is_refusal=False)
    retry.answered(200)
    assert tries(retry, start=1000, until=1060, hints=[1000]) == [0, 1, 3, 7, 15, 31]


def test_a_hint_that_an_answer_has_settled() -> None:
    """A failure long after it is like any other."""
    retry = FrigateRetry(TIMING)
    retry.answered(0)
    retry.hint(1000)
    retry.asking(1000)
    retry.answered(1000)
    retry.failed(1060, is_refusal=False)
    assert retry.remaining(1060) == 5


def test_a_hint_between_two_quick_tries() -> None:
    """It is not forgotten: the quick tries begin again as soon as they may."""
    retry = FrigateRetry(TIMING)
    tries(retry, until=1000)
    asked = tries(retry, start=1000, until=1020, hints=[1000, 1007.5])
    assert asked == [0, 1, 3, 7, 8, 9, 11, 15]


def test_hints_are_no_storm() -> None:
    """Ten messages a second for a minute: a try every other second."""
    retry = FrigateRetry(TIMING)
    tries(retry, until=1000)
    hints = [1000 + number / 10 for number in range(600)]
    asked = tries(retry, start=1000, until=1060, hints=hints)
    assert 20 < len(asked) <= 32
    gaps = [after - before for before, after in pairwise(asked)]
    assert max(gaps) < 4.2


def test_refused_credentials() -> None:
    """Once in 15 minutes, whatever hints there are."""
    retry = FrigateRetry(TIMING)
    hints = [number / 10 for number in range(20_000)]
    asked = tries(retry, until=2000, hints=hints, is_refusal=lambda now: True)
    assert asked == [0, 900, 1800]


def test_another_failure_does_not_shorten_a_refusal() -> None:
    """A request that was under way may break just then."""
    retry = FrigateRetry(TIMING)
    retry.failed(0, is_refusal=True)
    retry.failed(1, is_refusal=False)
    assert retry.remaining(1) == 899


def test_an_answer_ends_a_refusal() -> None:
    """The next failure is one like any other."""
    retry = FrigateRetry(TIMING)
    retry.failed(0, is_refusal=True)
    retry.answered(900)
    retry.failed(2000, is_refusal=False)
    assert retry.remaining(2000) == 5


def test_a_new_outage() -> None:
    """Only after ten minutes of answers; a shorter time was part of the last one."""
    retry = FrigateRetry(TIMING)
    assert retry.failed(0, is_refusal=False)
    assert not retry.failed(5, is_refusal=False)
    retry.answered(10)
    assert not retry.failed(600, is_refusal=False)
    retry.answered(700)
    retry.answered(1290)
    assert retry.failed(1300, is_refusal=False)


def test_a_frigate_that_comes_and_goes_is_asked_more_slowly() -> None:
    """One request always fails while others don't, and messages never end."""
    retry = FrigateRetry(TIMING)
    now, rounds = 0.0, 0
    while now < 3600:
        retry.asking(now)
        retry.answered(now)
        retry.failed(now + 0.1, is_refusal=False)
        rounds += 1
        now += 0.2
        retry.hint(now)
        now += retry.remaining(now)
    assert rounds < 80


def test_one_restart_after_the_other() -> None:
    """Between them Frigate works: the tries after each are quick, however many."""
    retry = FrigateRetry(TIMING)
    retry.answered(0)
    for number in range(5):
        lost = 1000.0 + number * 150
        assert retry.failed(lost, is_refusal=False) == (number == 0)
        tries(retry, start=lost + 1, until=lost + 20)
        online = lost + 20
        hints = [online + second for second in range(10)]
        asked = tries(retry, start=online, until=online + 10, hints=hints)
        assert asked[:5] == [0, 1, 3, 7, 8]
        retry.answered(online + 10)


def test_a_frigate_that_is_lost_again_at_once() -> None:
    """The first time it is back as soon as it answers, and then only in a while."""
    retry = FrigateRetry(TIMING)
    retry.answered(0)
    assert retry.is_back(0)
    retry.failed(10, is_refusal=False)
    retry.answered(20)
    assert retry.is_back(20)
    retry.failed(50, is_refusal=False)
    retry.answered(60)
    assert not retry.is_back(60)
    retry.failed(100, is_refusal=False)
    retry.answered(110)
    assert not retry.is_back(169)
    assert retry.is_back(170)
    retry.failed(700, is_refusal=False)
    retry.answered(710)
    assert retry.is_back(710)
