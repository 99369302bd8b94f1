"""The distance of two clocks."""

from email.utils import formatdate

import pytest

from custom_components.frigate_snap_sync.frigate.clock import ClockOffset

NOW = 1_795_336_633.4


class Machine:
    """A machine whose clock can be set, beside one with Frigate."""

    def __init__(self) -> None:
        """Start both clocks with the same time."""
        self.steady = 1000.0
        self.ahead = NOW - self.steady
        """The wall clock less the steady one."""
        self.offset = 0.0
        """The wall clock less Frigate's."""
        self.clock = ClockOffset(
            wall=lambda: self.steady + self.ahead, steady=lambda: self.steady
        )

    def set_clock(self, seconds: float) -> None:
        """Set this machine's clock forward, or back."""
        self.ahead += seconds
        self.offset += seconds

    def ask(self, takes: float = 0.02) -> None:
        """Ask Frigate something; its answer is dated in the middle of that time."""
        sent = self.steady
        now = self.steady + self.ahead + takes / 2 - self.offset
        self.steady += takes
        self.clock.add(formatdate(int(now), usegmt=True), sent=sent)

    def ask_often(self, times: int = 20) -> None:
        """Ask Frigate every now and then."""
        for _ in range(times):
            self.ask()
            self.steady += 0.75


@pytest.fixture
def machine() -> Machine:
    """Return a machine."""
    return Machine()


def test_unknown() -> None:
    """Nothing is assumed."""
    assert ClockOffset().seconds == 0.0


@pytest.mark.parametrize("date", [None, "", "yesterday", "99", "Sun, 99 Nov 2026"])
def test_no_date(machine: Machine, date: str | None) -> None:
    """A server without a clock is believed to have ours."""
    machine.clock.add(date, sent=machine.steady)
    assert machine.clock.seconds == 0.0
    machine.set_clock(3600)
    assert machine.clock.seconds == 0.0


@pytest.mark.parametrize("offset", [0.0, 0.3, -7.25, 3600.0, -1e6])
def test_one_answer(machine: Machine, offset: float) -> None:
    """A `Date` is good for half a second."""
    machine.offset = offset
    machine.ask()
    assert machine.clock.seconds == pytest.approx(offset, abs=0.52)


@pytest.mark.parametrize("offset", [0.0, 0.3, -7.25, 3600.0])
def test_many_answers(machine: Machine, offset: float) -> None:
    """Together they are good for less than a tenth."""
    machine.offset = offset
    machine.ask_often()
    assert machine.clock.seconds == pytest.approx(offset, abs=0.1)


def test_slow_answers_do_no_harm(machine: Machine) -> None:
    """They only say less."""
    machine.offset = 2
    machine.ask_often(10)
    machine.ask(takes=20)
    assert machine.clock.seconds == pytest.approx(2, abs=0.15)


@pytest.mark.parametrize("seconds", [1e9, 86_400, 30, -7.5, -86_400])
def test_our_clock_is_set(machine: Machine, seconds: float) -> None:
    """Frigate's was not: that is known at once, and as well as before."""
    machine.offset = 2
    machine.ask_often()
    machine.set_clock(seconds)
    assert machine.clock.seconds == pytest.approx(2 + seconds, abs=0.1)
    machine.ask()
    assert machine.clock.seconds == pytest.approx(2 + seconds, abs=0.1)


@pytest.mark.parametrize("seconds", [1e9, 86_400, -35, -86_400])
def test_frigates_clock_is_set(machine: Machine, seconds: float) -> None:
    """Then what was known is worth nothing; the next answer tells."""
    machine.ask_often(30)
    machine.offset -= seconds
    machine.ask()
    assert machine.clock.seconds == pytest.approx(-seconds, abs=0.52)
    machine.ask_often()
    assert machine.clock.seconds == pytest.approx(-seconds, abs=0.1)


def test_both_clocks_are_set(machine: Machine) -> None:
    """They are the same one: the next answer tells that they agree."""
    machine.ask_often()
    machine.ahead += 1e9
    machine.ask()
    assert machine.clock.seconds == pytest.approx(0, abs=0.52)


def test_our_clock_is_set_while_frigate_is_asked(machine: Machine) -> None:
    """How long that took is not measured by it."""
    machine.ask_often()
    sent = machine.steady
    date = formatdate(int(machine.steady + machine.ahead), usegmt=True)
    machine.steady += 0.02
    machine.set_clock(-100)
    machine.clock.add(date, sent=sent)
    assert machine.clock.seconds == pytest.approx(-100, abs=0.1)


def test_old_answers_are_forgotten(machine: Machine) -> None:
    """Two clocks drift apart."""
    machine.ask(takes=0.0)
    first = machine.clock.seconds
    machine.steady += 5000.5
    machine.ask(takes=0.0)
    assert machine.clock.seconds != first
    now = machine.steady + machine.ahead
    assert machine.clock.seconds == pytest.approx(now - int(now) - 0.5, abs=0.01)
