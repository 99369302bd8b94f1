"""Live footage: which cameras are watched, and whose film goes where."""

import asyncio
from collections.abc import Collection, Iterable, Mapping
import logging
from math import inf
import time
from typing import Any

from ...frigate.errors import LiveDenied
from ...frigate.protocol import FrigateApi
from ..ledger import LedgerError, items as ledger_items, off_periods
from ..model.engine_options import EngineOptions, LiveFootage
from ..model.item import Item
from ..monitoring.frigate_monitor import FrigateMonitor
from ..planning.paths import ItemPaths
from ..planning.registry import ItemRegistry
from ..sending.worker import Worker
from ..services import Services
from ..support.outage_log import ComplaintLog, OutageLog
from ..support.tasks import finish, wait_for
from .hints import Hint, Hints
from .lane import LiveLane
from .session import Running, Session
from .sources import Sources, is_too_much
from .takers import Takers
from .tap import REFUSALS, Tap
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
        paths: ItemPaths,
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
            paths=paths,
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
        self._taps: dict[str, Running[Tap]] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self._sources = Sources(lambda: monitor.live_sources)
        self._complaints = ComplaintLog(_LOGGER)
        self._outage = OutageLog(_LOGGER, "Live footage")
        self._news = asyncio.Event()

    @property
    def diagnostics(self) -> dict[str, Any]:
        """Return which cameras go2rtc shows, and what is watched now, ready for JSON."""
        return {
            "streams": {
                camera: source.stream
                for camera, source in self._monitor.live_sources.items()
            },
            "watched": {
                camera: {
                    "as": self._kind_of(running.what),
                    "error": running.what.error and str(running.what.error),
                }
                for camera, running in self._taps.items()
            },
        }

    def _kind_of(self, tap: Tap) -> str:
        if tap.film.is_stills:
            return "stills"
        return "detect stream" if self._sources.is_reduced(tap.camera) else "film"

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
            self._end(self._taps.values())
            self._sessions.clear()
            self._taps.clear()
            await finish(self._ending)

    async def _look(self) -> None:
        """Begin and end what is due. Raises LedgerError."""
        ledger, now = self._services.ledger, time.monotonic()
        self._takers.note(now)
        items: list[Item] = []
        hints: list[Hint] = []
        came: dict[str, Item] = {}
        if await ledger.run(off_periods.capture_on):
            active_reviews = [
                item
                for item in await ledger.run(ledger_items.open_reviews)
                if self._is_active(item, now)
            ]
            items = [item for item in active_reviews if self._is_live(item)]
            came = {item.camera: item for item in active_reviews}
            lost = [camera for camera, tap in self._taps.items() if tap.what.error]
            hints = self._hints.active(now, busy=came, lost=lost)
        else:
            self._hints.clear()
            for active in self._sessions.values():
                # The review of a sign may still come: its film began before.
                active.ends, active.is_unbroken = 0.0, False
        signs = [hint.item for hint in hints]
        await self._note_ends({item.source_id: item for item in (*items, *signs)})
        for item in items:
            session = self._sessions.get(item.source_id)
            if session is None:
                session = self._sessions[item.source_id] = self._session(item)
            session.item, session.ends = item, None
        await self._drop_sessions(came)
        for hint in hints:
            session = self._sessions.setdefault(
                hint.item.source_id, Session(hint.item, is_hint=True)
            )
            session.sends = hint.sends_until > now
        for session in self._sessions.values():
            session.takers = await self._takers.of(
                session.item, is_hint=session.is_hint
            )
        self._choose_taps(now)
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
        """Tell whether a review goes on: anything was heard of it of late, but no end.

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
            self.unsettled.note(
                hint, is_unbroken=sign.is_unbroken and self._is_fed(camera)
            )

    def _is_fed(self, camera: str) -> bool:
        """Tell whether the film of a camera comes right now."""
        running = self._taps.get(camera)
        newest = None if running is None else running.what.film.newest
        return (
            newest is not None
            and time.monotonic() - newest.arrived < self._timing.live_behind
        )

    def _choose_taps(self, now: float) -> None:
        """Watch the cameras of alerts, then of detections, then of mere signs.

        But none whose film no destination takes now: it would keep others from being seen.
        """
        cameras = dict.fromkeys(
            session.item.camera
            for session in sorted(
                self._sessions.values(), key=lambda session: session.urgency
            )
            if session.takers
        )
        chosen = list(cameras)[: self._options.live_taps]
        self._note_sources(chosen, now)
        sources = self._sources.all()
        self._end(
            self._taps.pop(camera)
            for camera in tuple(self._taps)
            if camera not in chosen
            or self._taps[camera].what.source != sources.get(camera)
        )
        for camera in chosen:
            if camera not in self._taps:
                tap = Tap(
                    self._client,
                    camera,
                    sources.get(camera),
                    services=self._services,
                    complaints=self._complaints,
                )
                self._taps[camera] = Running(tap, asyncio.create_task(tap.run()))

    def _note_sources(self, chosen: Collection[str], now: float) -> None:
        """Note what is refused of the cameras that are watched, or has too many pixels."""
        self._sources.keep(chosen)
        self._sources.ask_again(
            now,
            seen=[
                camera
                for camera, running in self._taps.items()
                if running.what.source is not None and running.what.error is None
            ],
        )
        refused, blind = now + self._timing.live_refused, now + self._timing.live_blind
        for camera, running in self._taps.items():
            tap = running.what
            if isinstance(tap.error, LiveDenied):
                # For another stream one more login would be refused: servers ban who asks.
                self._sources.deny(camera, until=refused)
            elif tap.source is not None and isinstance(tap.error, REFUSALS):
                self._sources.refuse(camera, tap.source, until=refused)
            elif tap.source is not None and tap.is_blind:
                self._sources.refuse_all(camera, tap.source, until=blind)
            elif tap.source is not None and tap.is_torn:
                self._sources.refuse(camera, tap.source, until=blind)
            if camera in chosen and is_too_much(self._lanes_of(tap)):
                self._sources.reduce(camera)

    def _lanes_of(self, tap: Tap) -> Iterable[LiveLane]:
        """Return all that a film goes by."""
        lanes = (
            lane.what
            for session in self._sessions.values()
            for lane in session.lanes.values()
        )
        return [lane for lane in lanes if lane.film is tap.film]

    async def _choose_lanes(self, session: Session) -> None:
        """Let a review's film leave to whoever takes it now. Raises LedgerError."""
        tap = self._taps.get(session.item.camera)
        takers = {} if tap is None else session.takers
        if session.is_hint and tap is not None:
            # Stills would show no more than the live snapshot that was the sign.
            session.is_unbroken &= (
                tap.what.error is None and not tap.what.film.is_stills
            )
            sends = session.sends and not tap.what.film.is_stills
            takers = {
                id_: taker
                for id_, taker in takers.items()
                if sends and taker.target.takes_hints
            }
        self._end_lanes(
            session,
            [
                id_
                for id_, lane in session.lanes.items()
                if id_ not in takers
                or lane.task.done()
                or lane.what.worker is not self._workers.get(id_)
                or (tap is not None and lane.what.film is not tap.what.film)
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
                    tap.what.film,
                    timing=self._timing,
                    since=max(padded, taker.earliest),
                    is_recorded=tap.what.is_recorded,
                    outage=self._outage,
                )
                session.lanes[id_] = Running(lane, asyncio.create_task(lane.run()))

    def _end_lanes(self, session: Session, ids: Iterable[str]) -> None:
        self._end([session.lanes.pop(id_) for id_ in tuple(ids)])

    def _end(self, running: Iterable[Running[Any]]) -> None:
        """Cancel tasks; they end within seconds, which nothing waits for."""
        for each in running:
            each.task.cancel()
            self._ending.add(each.task)
            each.task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._ending.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _LOGGER.error("Live film failed unexpectedly", exc_info=error)
