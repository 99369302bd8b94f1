"""The distance of two clocks."""

from email.utils import formatdate

import pytest

from custom_components.frigate_snap_sync.frigate import clock as clock_module
from custom_components.frigate_snap_sync.frigate.clock import ClockOffset

NOW = 1_795_336_633.4


def date_of(seconds: float) -> str:
    """Return the header that a server sends at that time."""
    return formatdate(int(seconds), usegmt=True)


def ask(clock: ClockOffset, *, at: float, offset: float, takes: float = 0.02) -> None:
    """Make an exchange with a server whose clock is `offset` behind ours."""
    clock.add(date_of(at + takes / 2 - offset), sent=at, received=at + takes)


def test_unknown() -> None:
    """Nothing is assumed."""
    assert ClockOffset().seconds == 0.0


@pytest.mark.parametrize("date", [None, "", "yesterday", "99", "Sun, 99 Nov 2026"])
def test_no_date(date: str | None) -> None:
    """A server without a clock is believed to have ours."""
    clock = ClockOffset()
    clock.add(date, sent=NOW, received=NOW)
    assert clock.seconds == 0.0


def test_our_clock_was_set_back_meanwhile() -> None:
    """Such an exchange tells nothing."""
    clock = ClockOffset()
    clock.add(date_of(NOW), sent=NOW, received=NOW - 100)
    assert clock.seconds == 0.0


@pytest.mark.parametrize("offset", [0.0, 0.3, -7.25, 3600.0, -1e6])
def test_one_answer(offset: float) -> None:
    """A `Date` is good for half a second."""
    clock = ClockOffset()
    ask(clock, at=NOW, offset=offset)
    assert clock.seconds == pytest.approx(offset, abs=0.52)


@pytest.mark.parametrize("offset", [0.0, 0.3, -7.25, 3600.0])
def test_many_answers(offset: float) -> None:
    """Together they are good for less than a tenth."""
    clock = ClockOffset()
    for number in range(20):
        ask(clock, at=NOW + number * 0.77, offset=offset)
    assert clock.seconds == pytest.approx(offset, abs=0.1)


def test_slow_answers_do_no_harm() -> None:
    """They only say less."""
    clock = ClockOffset()
    for number in range(10):
        ask(clock, at=NOW + number * 0.77, offset=2)
    ask(clock, at=NOW + 60, offset=2, takes=20)
    assert clock.seconds == pytest.approx(2, abs=0.15)


def test_clock_is_set() -> None:
    """Then what was known is worth nothing."""
    clock = ClockOffset()
    for number in range(30):
        ask(clock, at=NOW + number * 0.77, offset=-30)
    ask(clock, at=NOW + 100, offset=5)
    assert clock.seconds == pytest.approx(5, abs=0.52)


def test_old_answers_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two clocks drift apart."""
    clock = ClockOffset()
    now = 1000.0
    monkeypatch.setattr(clock_module, "monotonic", lambda: now)
    ask(clock, at=NOW, offset=0.0, takes=0.0)
    first = clock.seconds
    now += 5000
    ask(clock, at=NOW + 0.5, offset=0.0, takes=0.0)
    assert clock.seconds != first
    assert clock.seconds == pytest.approx(NOW + 0.5 - int(NOW + 0.5) - 0.5)
