"""Live footage: which cameras are watched, and whose film goes where."""

import asyncio
from collections.abc import Iterable, Mapping
import logging
from math import inf
import time
from typing import Any

from ...frigate.protocol import FrigateApi
from ..ledger import LedgerError, items as ledger_items, off_periods
from ..model.engine_options import EngineOptions, LiveFootage
from ..model.item import Item
from ..monitoring.frigate_monitor import FrigateMonitor
from ..planning.planner import Planner
from ..planning.registry import ItemRegistry
from ..sending.worker import Worker
from ..services import Services
from ..support.outage_log import OutageLog
from ..support.tasks import wait_for
from .hints import Hint, Hints
from .lane import LiveLane
from .session import Ending, Running, Session
from .takers import Takers
from .taps import Taps
from .unsettled import UnsettledFilm

_LOGGER = logging.getLogger(__name__)


class LiveManager:
    """Opens a tap at the first sign of a review, and lets its film leave with it.

    A camera has one tap, whoever wants its film, and there are only so many: those of
    alerts first. Everything is looked at again every second, and when something was
    heard: so a switch, a destination's hours or a changed severity need no signal.
    """

    def __init__(
        self,
        client: FrigateApi,
        *,
        services: Services,
        monitor: FrigateMonitor,
        registry: ItemRegistry,
        workers: Mapping[str, Worker],
        options: EngineOptions,
        planner: Planner,
    ) -> None:
        """Keep what it works with; nothing is watched before `run`."""
        self._client = client
        self._services = services
        self._timing = services.timing
        self._monitor = monitor
        self._takers = Takers(
            client,
            services=services,
            registry=registry,
            workers=workers,
            planner=planner,
        )
        self._workers = workers
        self._options = options
        self.unsettled = UnsettledFilm(
            client,
            services=services,
            monitor=monitor,
            takers=self._takers,
            options=options,
            is_watched=lambda hint: hint in self._sessions,
        )
        self._hints = Hints(services.timing)
        self._sessions: dict[str, Session] = {}
        self._heard: dict[str, float] = {}
        self._ending = Ending()
        self._taps = Taps(
            client,
            services=services,
            sources=lambda: monitor.live_sources,
            most=options.live_taps,
            ending=self._ending,
        )
        self._outage = OutageLog(_LOGGER, "Live footage")
        self._news = asyncio.Event()

    @property
    def diagnostics(self) -> dict[str, Any]:
        """Return which cameras go2rtc shows, and what is watched now, ready for JSON."""
        return self._taps.diagnostics

    def hint(self, camera: str) -> None:
        """Take a first sign that something happens before a camera."""
        if self._may_watch(camera):
            moment = time.time() - self._client.clock_offset
            self._hints.note(camera, now=time.monotonic(), moment=moment)
            self.wake()

    def hear(self, review_id: str) -> None:
        """Take news of a review."""
        self._heard.pop(review_id, None)
        self._heard[review_id] = time.monotonic()
        while len(self._heard) > 1000:
            del self._heard[next(iter(self._heard))]
        self.wake()

    def wake(self) -> None:
        """Look now at what is to be watched."""
        self._news.set()

    async def run(self) -> None:
        """Watch what is to be watched, until cancelled."""
        if self._options.live_footage is LiveFootage.OFF:
            await asyncio.Event().wait()
        try:
            while True:
                self._news.clear()
                try:
                    await self._look()
                except LedgerError as err:
                    self._outage.report(err)
                    await asyncio.sleep(self._timing.failure_pause)
                    continue
                self._outage.over()
                is_idle = not (self._sessions or self._hints)
                await wait_for(self._news, None if is_idle else self._timing.live_look)
        finally:
            for session in self._sessions.values():
                self._end_lanes(session, tuple(session.lanes))
            self._sessions.clear()
            self._taps.clear()
            await self._ending.wait()

    async def _look(self) -> None:
        """Begin and end what is due. Raises LedgerError."""
        ledger, now = self._services.ledger, time.monotonic()
        self._takers.note(now)
        items: list[Item] = []
        others: list[Item] = []
        hints: list[Hint] = []
        came: dict[str, Item] = {}
        if await ledger.run(off_periods.capture_on):
            active_reviews = [
                item
                for item in await ledger.run(ledger_items.open_reviews)
                if self._is_active(item, now)
            ]
            items = [item for item in active_reviews if self._is_live(item)]
            # Each may become an alert, say: then its film is there.
            young = self._hints.young(now)
            others = [
                item
                for item in active_reviews
                if item not in items
                and item.camera in young
                and self._may_watch(item.camera)
            ]
            # The newest of a camera, but one that is filmed before others.
            came = {item.camera: item for item in reversed((*items, *active_reviews))}
            hints = self._hints.active(now, busy=came, lost=self._taps.lost)
        else:
            self._hints.clear()
            for session in self._sessions.values():
                # The review of a sign may still come: its film began before.
                session.ends, session.is_unbroken = 0.0, False
        signs = [hint.item for hint in hints]
        active = {item.source_id: item for item in (*items, *others, *signs)}
        await self._note_ends(active)
        for item in items:
            if item.source_id not in self._sessions:
                self._sessions[item.source_id] = self._session(item)
            session = self._sessions[item.source_id]
            session.item, session.ends, session.sends = item, None, True
        for item in others:
            session = self._sessions.setdefault(item.source_id, Session(item))
            session.item, session.ends, session.sends = item, None, False
        await self._drop_sessions(came)
        for hint in hints:
            session = self._sessions.setdefault(
                hint.item.source_id, Session(hint.item, is_hint=True)
            )
            session.sends = hint.sends_until > now
        for session in self._sessions.values():
            session.takers = await self._takers.of(
                session.item, is_hint=session.is_hint or not session.sends
            )
        self._taps.choose(self._sessions.values(), now)
        for session in self._sessions.values():
            await self._choose_lanes(session)

    def _session(self, item: Item) -> Session:
        """Begin with a review: what left with the sign before it is its film."""
        session = Session(item)
        for other in self._sessions.values():
            if other.is_hint and other.item.camera == item.camera:
                session.lanes, other.lanes = other.lanes, {}
        return session

    def _is_active(self, item: Item, now: float) -> bool:
        """Tell whether a review is active: it was heard of lately, and has no end.

        One whose end is known is open until it is known where it has footage.
        """
        heard = self._heard.get(item.source_id, -inf)
        return item.end is None and now - heard <= self._timing.live_news

    def _is_live(self, item: Item) -> bool:
        """Tell whether the film of an active review is to be watched."""
        return (
            self._options.films(item.severity)
            and self._is_known(item.camera)
            and self._takers.select(item)
        )

    def _may_watch(self, camera: str) -> bool:
        """Tell whether anyone may want the film of a camera."""
        return (
            self._options.live_footage is not LiveFootage.OFF
            and self._is_known(camera)
            and self._takers.select_camera(camera)
        )

    def _is_known(self, camera: str) -> bool:
        """Tell whether Frigate has said how a camera can be seen, if it is."""
        is_there = self._monitor.is_on(camera, "recordings") is not None
        return self._monitor.has_config and is_there

    async def _note_ends(self, active: Mapping[str, Item]) -> None:
        """Note when those end that are no longer active: with what their owner adds."""
        for source_id, session in self._sessions.items():
            if source_id in active or session.ends is not None:
                continue
            session.ends = 0.0
            known = await self._services.ledger.run(ledger_items.review, source_id)
            if known is not None and known[0].end is not None:
                session.item = known[0]
                session.ends = known[0].end + self._options.padding_after

    async def _drop_sessions(self, came: Mapping[str, Item]) -> None:
        """End what is over; reviews `came` by camera."""
        now = time.time() - self._client.clock_offset
        over = [
            source_id
            for source_id, session in self._sessions.items()
            if session.ends is not None and session.ends <= now
        ]
        for source_id in over:
            session = self._sessions[source_id]
            self._end_lanes(session, tuple(session.lanes))
            if session.is_hint:
                await self._settle(session, came)
            del self._sessions[source_id]

    async def _settle(self, sign: Session, came: Mapping[str, Item]) -> None:
        """Say what becomes of the film of a sign that is over. Raises LedgerError."""
        hint, camera = sign.item.source_id, sign.item.camera
        if (review := came.get(camera)) is not None:
            await self.unsettled.give(hint, review)
        else:
            # Frigate goes with all films at once: then it may have lost a review, too.
            was_fed = sign.was_fed and not self._taps.lost
            is_fed = was_fed or self._taps.is_fed(camera)
            self.unsettled.note(hint, is_unbroken=sign.is_unbroken and is_fed)

    async def _choose_lanes(self, session: Session) -> None:
        """Let a review's film leave to whoever takes it now. Raises LedgerError."""
        tap = self._taps.of(session.item.camera)
        takers = {} if tap is None or not session.sends else session.takers
        if session.is_hint and tap is not None:
            # Stills would show no more than the live snapshot that was the sign.
            session.is_unbroken &= tap.error is None and not tap.film.is_stills
            takers = {
                id_: taker
                for id_, taker in takers.items()
                if not tap.film.is_stills and taker.target.takes_hints
            }
        self._end_lanes(
            session,
            [
                id_
                for id_, lane in session.lanes.items()
                if id_ not in takers
                or lane.task.done()
                or lane.what.worker is not self._workers.get(id_)
                or (tap is not None and lane.what.film is not tap.film)
            ],
        )
        for id_, taker in takers.items():
            if (running := session.lanes.get(id_)) is not None:
                begins = session.item.start - self._options.padding_before
                await running.what.hear(taker.target, begins=begins)
            elif tap is not None:
                padded = time.monotonic() - self._options.padding_before
                lane = LiveLane(
                    taker.target,
                    tap.film,
                    timing=self._timing,
                    since=max(padded, taker.earliest),
                    is_recorded=tap.is_recorded,
                    outage=self._outage,
                )
                session.lanes[id_] = Running(lane, asyncio.create_task(lane.run()))

    def _end_lanes(self, session: Session, ids: Iterable[str]) -> None:
        self._ending.end([session.lanes.pop(id_) for id_ in tuple(ids)])
