"""The taps: which cameras are watched now, and by which of their streams."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping
import logging
import time
from typing import Any

from ...frigate.errors import LiveDenied
from ...frigate.models import LiveSource
from ...frigate.protocol import FrigateApi
from ..services import Services
from ..support.outage_log import ComplaintLog
from .lane import LiveLane
from .session import Ending, Running, Session
from .sources import Sources, is_too_much
from .tap import REFUSALS, Tap

_LOGGER = logging.getLogger(__name__)


class Taps:
    """One for each camera that is watched, whoever wants its film; there are only so many."""

    def __init__(
        self,
        client: FrigateApi,
        *,
        services: Services,
        sources: Callable[[], Mapping[str, LiveSource]],
        most: int,
        ending: Ending,
    ) -> None:
        """Keep what it works with; `sources` returns what Frigate's configuration has.

        What is ended is handed to `ending`.
        """
        self._client = client
        self._services = services
        self._timing = services.timing
        self._known = sources
        self._sources = Sources(sources)
        self._most = most
        self._ending = ending
        self._taps: dict[str, Running[Tap]] = {}
        self._complaints = ComplaintLog(_LOGGER)

    @property
    def diagnostics(self) -> dict[str, Any]:
        """Return which cameras go2rtc shows, and what is watched now, ready for JSON."""
        return {
            "streams": {
                camera: source.stream for camera, source in self._known().items()
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

    @property
    def lost(self) -> list[str]:
        """Return the cameras whose film does not come, though it is watched."""
        return [camera for camera, tap in self._taps.items() if tap.what.error]

    def of(self, camera: str) -> Tap | None:
        """Return the tap of a camera, None if it is not watched."""
        running = self._taps.get(camera)
        return None if running is None else running.what

    def is_fed(self, camera: str) -> bool:
        """Tell whether the film of a camera comes right now."""
        tap = self.of(camera)
        newest = None if tap is None else tap.film.newest
        return (
            newest is not None
            and time.monotonic() - newest.arrived < self._timing.live_behind
        )

    def clear(self) -> None:
        """Watch nothing more."""
        self._ending.end(self._taps.values())
        self._taps.clear()

    def choose(self, sessions: Collection[Session], now: float) -> None:
        """Watch the cameras of alerts, then of detections, then of mere signs.

        But none whose film no destination takes now: it would keep others from being seen.
        """
        cameras = dict.fromkeys(
            session.item.camera
            for session in sorted(sessions, key=lambda session: session.urgency)
            if session.takers
        )
        chosen = list(cameras)[: self._most]
        for session in sessions:
            if (camera := session.item.camera) in chosen:
                session.was_fed = False
            elif camera in self._taps:
                session.was_fed = self.is_fed(camera)
        self._note_sources(chosen, sessions, now)
        sources = self._sources.all()
        self._ending.end(
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

    def _note_sources(
        self, chosen: Collection[str], sessions: Collection[Session], now: float
    ) -> None:
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
            if camera in chosen and is_too_much(_lanes_of(tap, sessions)):
                self._sources.reduce(camera)


def _lanes_of(tap: Tap, sessions: Iterable[Session]) -> Iterable[LiveLane]:
    """Return all that a film goes by."""
    lanes = (lane.what for session in sessions for lane in session.lanes.values())
    return [lane for lane in lanes if lane.film is tap.film]
