"""The faults, carried out: each is made, lasts for a while, and is healed."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
import random
import time

from ..frigate import Kind as Answer
from .plan import Card, Kind, PlannedFault
from .stage import FAR, HERE, Stage

_LINK_TIMEOUT = 300.0
"""Seconds: several outages of the broker may follow each other."""
_REVIEW_WITHIN = 20.0
_MEDIA = "*.[mj]p[4g]"

HOME_ASSISTANT, BROKER, FRIGATE, API = "Home Assistant", "broker", "Frigate", "API"
CLOCK, FOOTAGE = "clock", "footage"

_FRIGATE_JUMP = (15.0, 60.0)
_JUMPS = (-3 * 3600.0, -90.0, 90.0, 3 * 3600.0)
"""By how many seconds Home Assistant's clock is wrong for a while."""


# What is said of Frigate's answers: how, with which values, to which requests.
_ANSWERS: dict[Kind, tuple[Answer, dict[str, float], str]] = {
    Kind.FRIGATE_400: (Answer.STATUS, {"status": 400}, "*/clip.mp4"),
    Kind.FRIGATE_500: (Answer.STATUS, {"status": 500}, "*"),
    Kind.FRIGATE_502: (Answer.STATUS, {"status": 502}, "*"),
    Kind.FRIGATE_EMPTY: (Answer.EMPTY, {}, "*"),
    Kind.FRIGATE_HTML: (Answer.HTML, {}, "*"),
    Kind.FRIGATE_TRUNCATED: (Answer.TRUNCATED, {}, "*"),
    Kind.FRIGATE_HANGING: (Answer.HANG, {}, "*"),
    Kind.FRIGATE_RESET: (Answer.RESET, {}, "*"),
    Kind.FRIGATE_SLOW: (Answer.SLOW, {"rate": 4096}, _MEDIA),
    Kind.FRIGATE_DELAYED: (Answer.SILENT, {}, "*"),
}


def cards_of(stage: Stage) -> list[Card]:
    """Return all faults that can be made here."""
    return [
        # Twice as often: it is what is tested.
        Card(Kind.HOME_ASSISTANT_KILLED, HOME_ASSISTANT),
        Card(Kind.HOME_ASSISTANT_KILLED, HOME_ASSISTANT),
        Card(Kind.HOME_ASSISTANT_RESTARTED, HOME_ASSISTANT),
        Card(Kind.BROKER_KILLED, BROKER),
        Card(Kind.BROKER_RESTARTED, BROKER),
        Card(Kind.BROKER_AWAY, BROKER),
        Card(Kind.CLOCK, CLOCK),
        *([Card(Kind.FULL_HERE, HOME_ASSISTANT)] if HERE in stage.disks else []),
        *(
            Card(kind, name)
            for name in stage.servers
            for kind in (
                Kind.SERVER_KILLED,
                Kind.SERVER_STOPPED,
                Kind.SERVER_AWAY,
                Kind.SESSIONS_KILLED,
            )
        ),
        Card(Kind.CONNECTIONS_RESET, FAR),
        *(Card(Kind.DISK_FULL, name) for name in stage.disks if name != HERE),
        Card(Kind.FRIGATE_KILLED, FRIGATE),
        Card(Kind.FRIGATE_RESTARTED, FRIGATE),
        Card(Kind.FRIGATE_AWAY, FRIGATE),
        Card(Kind.FRIGATE_CLOCK, FRIGATE),
        *(Card(kind, API) for kind in _ANSWERS),
        Card(Kind.FOOTAGE_LATE, FOOTAGE),
        Card(Kind.FOOTAGE_LOST, FOOTAGE),
    ]


class Faults:
    """Makes faults on a stage, and heals them.

    `say` is called for each; `made` counts them. `lose_footage` lets Frigate lose
    what it has of a review, and tells whether there was one.
    Raises what goes wrong in healing.
    """

    def __init__(
        self,
        stage: Stage,
        say: Callable[[str], None],
        *,
        lose_footage: Callable[[random.Random], Awaitable[bool]],
    ) -> None:
        """Nothing goes wrong yet."""
        self.made: dict[Kind, int] = {}
        self.longest_stop = 0.0
        """Seconds of the slowest orderly stop of Home Assistant."""
        self._stage = stage
        self._lose_footage = lose_footage
        self._say = say
        self._locks: dict[str, asyncio.Lock] = {}
        self._began = time.monotonic()

    async def play(self, plan: list[PlannedFault]) -> None:
        """Make all these faults, each in its time, and return when all are healed."""
        self._began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for fault in plan:
                group.create_task(self._make(fault))

    async def _make(self, fault: PlannedFault) -> None:
        kind, target = fault.card.kind, fault.card.target
        await asyncio.sleep(self._began + fault.at - time.monotonic())
        # What takes longer than planned delays what happens to the same.
        async with self._locks.setdefault(target, asyncio.Lock()):
            now = time.monotonic() - self._began
            self._say(f"{now:6.1f} s  {kind}: {target}, {fault.seconds:.0f} s")
            self.made[kind] = self.made.get(kind, 0) + 1
            async with self._fault(fault):
                await asyncio.sleep(fault.seconds)
            now = time.monotonic() - self._began
            self._say(f"{now:6.1f} s  over: {kind}, {target}")

    def _fault(self, fault: PlannedFault) -> AbstractAsyncContextManager[None]:
        chance = random.Random(fault.chance)
        target = fault.card.target
        match kind := fault.card.kind:
            case Kind.HOME_ASSISTANT_KILLED | Kind.HOME_ASSISTANT_RESTARTED:
                return self._home_assistant(kill=kind is Kind.HOME_ASSISTANT_KILLED)
            case Kind.BROKER_KILLED | Kind.BROKER_RESTARTED | Kind.BROKER_AWAY:
                return self._broker(kill=kind is not Kind.BROKER_RESTARTED)
            case Kind.SERVER_KILLED | Kind.SERVER_AWAY:
                return self._server_killed(target)
            case Kind.SERVER_STOPPED:
                return self._server_stopped(target)
            case Kind.SESSIONS_KILLED:
                return self._again_and_again(
                    self._stage.servers[target].cut_sessions, chance
                )
            case Kind.CONNECTIONS_RESET:
                return self._connections_reset(chance)
            case Kind.DISK_FULL:
                return self._disk_full(target, chance)
            case Kind.FULL_HERE:
                return self._full_here(chance)
            case Kind.CLOCK:
                return self._clock(chance.choice(_JUMPS))
            case Kind.FRIGATE_KILLED | Kind.FRIGATE_RESTARTED | Kind.FRIGATE_AWAY:
                return self._frigate(kill=kind is not Kind.FRIGATE_RESTARTED)
            case Kind.FRIGATE_CLOCK:
                return self._frigate_clock(chance.uniform(*_FRIGATE_JUMP))
            case Kind.FOOTAGE_LOST:
                return self._footage_lost(fault.seconds, chance)
            case Kind.FOOTAGE_LATE:
                return self._footage_late(fault.seconds)
            case _:
                return self._answers(kind, chance)

    @asynccontextmanager
    async def _home_assistant(self, *, kill: bool) -> AsyncIterator[None]:
        home_assistant = self._stage.home_assistant
        with self._stage.hearing.deaf():
            if kill:
                await home_assistant.kill()
            else:
                began = time.monotonic()
                await home_assistant.stop()
                took = time.monotonic() - began
                self.longest_stop = max(self.longest_stop, took)
            yield
            await home_assistant.start()

    @asynccontextmanager
    async def _broker(self, *, kill: bool) -> AsyncIterator[None]:
        broker = self._stage.broker
        with self._stage.hearing.deaf():
            await (broker.kill() if kill else broker.stop())
            with self._stage.watch.away("MQTT"):
                yield
            await broker.start()

    @asynccontextmanager
    async def _server_killed(self, name: str) -> AsyncIterator[None]:
        server = self._stage.servers[name]
        await server.kill()
        with self._stage.watch.away(name):
            yield
        await server.start()

    @asynccontextmanager
    async def _server_stopped(self, name: str) -> AsyncIterator[None]:
        server = self._stage.servers[name]
        await server.suspend()
        with self._stage.watch.away(name):
            yield
        await server.resume()

    @asynccontextmanager
    async def _again_and_again(
        self, act: Callable[[], object], chance: random.Random
    ) -> AsyncIterator[None]:
        """Do it every few seconds."""

        async def act_often() -> None:
            while True:
                result = act()
                if asyncio.iscoroutine(result):
                    await result
                await asyncio.sleep(chance.uniform(0.3, 3))

        task = asyncio.create_task(act_often())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    @asynccontextmanager
    async def _connections_reset(self, chance: random.Random) -> AsyncIterator[None]:
        network = self._stage.network

        def cut_soon() -> None:
            network.cut_after(chance.randrange(100_000))

        async with self._again_and_again(cut_soon, chance):
            yield
        network.cut_after(None)

    @asynccontextmanager
    async def _disk_full(self, name: str, chance: random.Random) -> AsyncIterator[None]:
        disk = self._stage.disks[name]
        # Full at once, or in the middle of the next file.
        await asyncio.to_thread(disk.fill, leave=chance.choice((0, 40_000)))
        yield
        disk.free()

    @asynccontextmanager
    async def _full_here(self, chance: random.Random) -> AsyncIterator[None]:
        disk = self._stage.disks[HERE]
        await asyncio.to_thread(disk.fill, leave=chance.choice((0, 40_000)))
        with self._stage.watch.full():
            yield
        disk.free()

    @asynccontextmanager
    async def _clock(self, ahead: float) -> AsyncIterator[None]:
        self._say(f"          by {ahead:.0f} s")
        self._stage.clock.set(ahead)
        yield
        self._stage.clock.set(0)

    @asynccontextmanager
    async def _frigate_clock(self, seconds: float) -> AsyncIterator[None]:
        """Set it forward, and then back."""
        self._say(f"          by {seconds:.0f} s")
        ahead = self._stage.server.clock_offset
        self._stage.set_frigate_clock(ahead + seconds)
        yield
        self._stage.set_frigate_clock(ahead)

    @asynccontextmanager
    async def _footage_lost(
        self, seconds: float, chance: random.Random
    ) -> AsyncIterator[None]:
        """Lose that of a review with parts, as soon as there is one."""
        with suppress(TimeoutError):
            async with asyncio.timeout(max(seconds, _REVIEW_WITHIN)):
                while not await self._lose_footage(chance):
                    await asyncio.sleep(1)
        yield

    @asynccontextmanager
    async def _frigate(self, *, kill: bool) -> AsyncIterator[None]:
        stage = self._stage
        if kill:
            stage.frigate.kill()
            await stage.visitors.frigate_died()
            await stage.link.cut()
        else:
            await stage.link.stop()
            stage.frigate.kill()
            await stage.visitors.frigate_died()
        await stage.server.stop()
        with stage.watch.away("Frigate"):
            yield
        stage.frigate.start_again()
        await stage.server.start()
        await stage.link.start(timeout=_LINK_TIMEOUT)
        stage.visitors.frigate_lives()

    @asynccontextmanager
    async def _footage_late(self, seconds: float) -> AsyncIterator[None]:
        frigate = self._stage.frigate
        now = frigate.clock()
        for camera in frigate.cameras.values():
            camera.footage.be_late(now, now + seconds, until=now + seconds)
        yield

    @asynccontextmanager
    async def _answers(self, kind: Kind, chance: random.Random) -> AsyncIterator[None]:
        faults = self._stage.server.faults
        answer, values, path = _ANSWERS[kind]
        fault = faults.add(
            answer,
            path,
            times=None,
            status=int(values.get("status", 500)),
            rate=values.get("rate", 1024),
            # Shorter than anybody's patience, or about as long.
            seconds=chance.uniform(2, 30),
        )
        yield
        faults.remove(fault)
