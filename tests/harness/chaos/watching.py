"""What the sensor of protection shows while something is away."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
import time

import aiohttp

from ..home_assistant import DOMAIN, HomeAssistant
from ..home_assistant_api import ApiError

AT_RISK_AFTER = 1
"""What the option is set to, in minutes: the least there is."""

PROTECTED = "protected"

_PAUSE = 0.5
_NOTICE = 8.0
"""Seconds in which a change may come to the sensor: the space on the disk is looked at
every five, and the state is throttled."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What the sensor showed from a moment on (monotonic); None: nothing."""

    since: float
    state: str | None


@dataclass(slots=True)
class Outage:
    """Something was away from a moment on (monotonic) until another."""

    what: str
    begin: float
    limit: float
    """Seconds after which `protected` is no longer true."""
    end: float | None = None


def wrongly_protected(
    shown: Sequence[Shown], outages: Sequence[Outage], *, now: float
) -> list[str]:
    """Return a line about each time that `protected` was shown wrongly."""
    found = []
    for number, one in enumerate(shown):
        if one.state != PROTECTED:
            continue
        until = shown[number + 1].since if number + 1 < len(shown) else now
        for outage in outages:
            begin = max(one.since, outage.begin + outage.limit)
            end = min(until, now if outage.end is None else outage.end)
            if begin < end:
                found.append(
                    f"for {end - begin:.1f} s, {begin - outage.begin:.0f} s after "
                    f"the begin of: {outage.what}"
                )
    return found


class ProtectionWatch:
    """Listens to the sensor, and learns what is away: say `away` or `full`."""

    def __init__(self, home_assistant: HomeAssistant) -> None:
        """Nothing is seen before `run`."""
        self.outages: list[Outage] = []
        self._home_assistant = home_assistant
        self._shown: list[Shown] = []
        self._began = time.monotonic()

    @contextmanager
    def away(self, what: str) -> Iterator[None]:
        """Note that a destination, Frigate or MQTT can't be reached meanwhile."""
        with self._during(f"{what} away", 60 * AT_RISK_AFTER + _NOTICE):
            yield

    @contextmanager
    def full(self) -> Iterator[None]:
        """Note that Home Assistant's disk is full meanwhile."""
        with self._during("disk full", _NOTICE):
            yield

    @contextmanager
    def _during(self, what: str, limit: float) -> Iterator[None]:
        outage = Outage(what, time.monotonic(), limit)
        self.outages.append(outage)
        try:
            yield
        finally:
            outage.end = time.monotonic()

    def long_outages(self) -> int:
        """Return how many lasted so long that the sensor had to show it."""
        now = time.monotonic()
        return sum(
            (now if outage.end is None else outage.end) - outage.begin > outage.limit
            for outage in self.outages
        )

    def wrongly_protected(self) -> list[str]:
        """Return a line about each time that `protected` was shown wrongly."""
        return wrongly_protected(self._shown, self.outages, now=time.monotonic())

    def shares(self) -> dict[str, float]:
        """Return in which share of the time each state was shown."""
        now = time.monotonic()
        shares: dict[str, float] = {}
        for number, one in enumerate(self._shown):
            until = (
                self._shown[number + 1].since if number + 1 < len(self._shown) else now
            )
            state = one.state or "nothing"
            shares[state] = shares.get(state, 0) + until - one.since
        return {
            state: seconds / (now - self._began) for state, seconds in shares.items()
        }

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            try:
                await self._watch_once()
            except (
                # It does not run, is about to end, or has no such sensor yet.
                *(RuntimeError, TypeError, ApiError, LookupError),
                *(aiohttp.ClientError, OSError, TimeoutError),
            ):
                pass
            self._note(None)
            await asyncio.sleep(_PAUSE)

    async def _watch_once(self) -> None:
        """Watch as long as this Home Assistant runs."""
        api = self._home_assistant.api
        entity_id = next(
            row["entity_id"]
            for row in await api.entities(DOMAIN)
            if row["translation_key"] == "protection"
        )
        async with aclosing(api.state_changes(entity_id)) as states:
            async for state in states:
                self._note(state)

    def _note(self, state: str | None) -> None:
        if not self._shown or self._shown[-1].state != state:
            self._shown.append(Shown(time.monotonic(), state))
