"""What goes wrong when: made from a seed, so that a run can be repeated."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
import random


class Kind(StrEnum):
    """The faults; the values tell of them in the report."""

    HOME_ASSISTANT_KILLED = "Home Assistant killed"
    HOME_ASSISTANT_RESTARTED = "Home Assistant restarted"
    BROKER_KILLED = "broker killed"
    BROKER_RESTARTED = "broker restarted"
    BROKER_AWAY = "broker away for long"
    SERVER_KILLED = "server killed"
    SERVER_AWAY = "server away for long"
    SERVER_STOPPED = "server stopped (SIGSTOP)"
    SESSIONS_KILLED = "sessions killed"
    CONNECTIONS_RESET = "connections reset in mid-file"
    DISK_FULL = "disk of a destination full"
    FRIGATE_KILLED = "Frigate killed"
    FRIGATE_RESTARTED = "Frigate restarted"
    FRIGATE_AWAY = "Frigate away for long"
    FRIGATE_400 = "Frigate answers 400"
    FRIGATE_500 = "Frigate answers 500"
    FRIGATE_502 = "Frigate answers 502"
    FRIGATE_EMPTY = "Frigate answers with nothing"
    FRIGATE_HTML = "Frigate answers with a web page"
    FRIGATE_TRUNCATED = "Frigate's answers truncated"
    FRIGATE_HANGING = "Frigate's answers hang"
    FRIGATE_RESET = "Frigate's answers reset"
    FRIGATE_SLOW = "Frigate's answers slow"
    FRIGATE_DELAYED = "Frigate's answers delayed"
    FOOTAGE_LATE = "Frigate's footage late"
    FOOTAGE_LOST = "Frigate loses footage"
    FRIGATE_CLOCK = "Frigate's clock jumps"
    CLOCK = "Home Assistant's clock jumps"
    FULL_HERE = "disk of Home Assistant full"


@dataclass(frozen=True, slots=True)
class Card:
    """A fault and what it happens to; nothing meets two faults at once."""

    kind: Kind
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedFault:
    """A fault that begins `at` and lasts for `seconds`, from the run's begin on.

    `chance` is where everything else that is random in it comes from.
    """

    card: Card
    at: float
    seconds: float
    chance: int


AT_ONCE = 2
"""How many faults there are at the same time, at most."""

SHORTEST, LONGEST = 3.0, 25.0
LONG = (75.0, 95.0)
"""How long a fault lasts that must be seen at the sensor of protection."""
AWAY = frozenset({Kind.SERVER_AWAY, Kind.BROKER_AWAY, Kind.FRIGATE_AWAY})
"""The faults that last so long."""
_QUIET_START = 5.0
_PAUSES = (1.0, 10.0)


def make_plan(
    cards: Sequence[Card], *, seconds: float, seed: int
) -> list[PlannedFault]:
    """Return the faults of a run, none of which begins after `seconds`.

    All `cards` have their turn before any has its second one.
    """
    chance = random.Random(seed)
    deck = _shuffled_for_ever(cards, chance)
    faults: list[PlannedFault] = []
    waiting: list[Card] = []
    now = _QUIET_START
    while now < seconds:
        running = [fault for fault in faults if fault.at + fault.seconds > now]
        busy = {fault.card.target for fault in running}
        if len(running) < AT_ONCE:
            if not any(card.target not in busy for card in waiting):
                waiting += [next(deck) for _ in cards]
            card = next((card for card in waiting if card.target not in busy), None)
            if card is not None:
                waiting.remove(card)
                span = LONG if card.kind in AWAY else (SHORTEST, LONGEST)
                fault = PlannedFault(
                    card=card,
                    at=now,
                    seconds=chance.uniform(*span),
                    chance=chance.getrandbits(32),
                )
                faults.append(fault)
        now += chance.uniform(*_PAUSES)
    return faults


def _shuffled_for_ever(cards: Sequence[Card], chance: random.Random) -> Iterator[Card]:
    while True:
        yield from chance.sample(cards, len(cards))
