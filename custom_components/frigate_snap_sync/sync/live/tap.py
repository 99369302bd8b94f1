"""A tap: the film of one camera, or its stills, as long as they are wanted."""

import asyncio
from contextlib import aclosing
import logging
import time
from typing import Final

from ...frigate.errors import (
    FrigateError,
    FrigateForbidden,
    FrigateTimeout,
    FrigateUnreachable,
    LiveDenied,
    LiveRefused,
)
from ...frigate.models import LiveSource
from ...frigate.protocol import FrigateApi
from ..services import Services
from ..support.outage_log import ComplaintLog
from .film import Chunk, Film, StillTakes, Takes

_LOGGER = logging.getLogger(__name__)

REFUSALS: Final = (FrigateForbidden, LiveRefused)
"""What says that a stream won't be had soon."""


class Tap:
    """Reads what go2rtc sends as fast as it comes, and waits for no destination."""

    def __init__(
        self,
        client: FrigateApi,
        camera: str,
        source: LiveSource | None,
        *,
        services: Services,
        complaints: ComplaintLog,
    ) -> None:
        """Keep what to watch; nothing is opened before `run`.

        Without a `source`, a stream of go2rtc, Frigate is asked for stills.
        """
        self.camera = camera
        self.film = Film(
            most_bytes=services.limits.live_bytes, is_stills=source is None
        )
        self.is_recorded = source is not None and source.is_recorded
        """Whether the film shows what Frigate records."""
        self.error: FrigateError | None = None
        """Why no film comes, None while it does."""
        self.is_blind = False
        """Whether a camera that works is better seen in stills: none of its film comes."""
        self.is_torn = False
        """Whether only bits of this film come."""
        self._client = client
        self.source = source
        self._timing = timing = services.timing
        self._takes = Takes(longest=timing.live_take, jump=timing.live_jump)
        self._stills = StillTakes(longest=timing.live_take, pause=timing.live_break)
        self._complaints = complaints

    async def run(self) -> None:
        """Watch until cancelled; a film that ends is begun again."""
        pause = self._timing.live_retry
        seen = time.monotonic()
        while True:
            number, is_refusal = self._newest, False
            try:
                await self._watch()
            except FrigateError as err:
                self.error = err
                is_refusal = isinstance(err, REFUSALS)
                if isinstance(err, FrigateUnreachable):
                    # Who asks Frigate for more than this says that it is away.
                    _LOGGER.debug("The film of %s broke off: %s", self.camera, err)
                elif is_refusal:
                    self._leave_stream(str(err), is_denied=isinstance(err, LiveDenied))
                else:
                    self._complain(str(err))
            except Exception:
                _LOGGER.exception("The live film of %s failed", self.camera)
            self._takes.interrupt()
            if self._newest != number:
                pause, seen = self._timing.live_retry, time.monotonic()
            if self._is_in_bits:
                self.is_torn = True
                self._leave_stream("it breaks off or jumps again and again")
            if is_refusal or self.is_torn or self.is_blind:
                pause = self._timing.live_longest_retry
            elif time.monotonic() - seen >= self._timing.live_patience:
                await self._look_elsewhere()
                seen = time.monotonic()
            await asyncio.sleep(pause)
            pause = min(2 * pause, self._timing.live_longest_retry)

    async def _look_elsewhere(self) -> None:
        """Find out whether Frigate has pictures of a camera whose film never comes.

        If it has, stills are better than nothing. Else it may be starting, or be away,
        or the camera is.
        """
        if self.source is None or self.is_blind:
            return
        try:
            is_there = await self._client.camera_fps(self.camera) > 0
        except FrigateError as err:
            _LOGGER.debug("Frigate says nothing of %s: %s", self.camera, err)
            return
        if is_there:
            self.is_blind = True
            self._complain(f"no picture came from go2rtc ({self.error})")

    def _leave_stream(self, why: str, *, is_denied: bool = False) -> None:
        """Say that this stream is not watched, if there is no other to be asked for."""
        if self.source is not None and self.source.others and not is_denied:
            _LOGGER.debug("Another stream of %s is asked for: %s", self.camera, why)
        else:
            self._complain(why)

    def _complain(self, complaint: str) -> None:
        what = f"The live film of {self.camera} can't be seen"
        self._complaints.report(what, complaint)

    @property
    def _is_in_bits(self) -> bool:
        """Tell whether it breaks off so often that there would be files without end."""
        begun = self._takes.of_last_minute(time.monotonic())
        return begun > self._timing.live_takes

    @property
    def _newest(self) -> int:
        return self.film.newest.number if self.film.newest is not None else 0

    async def _watch(self) -> None:
        if self.source is None:
            await self._watch_stills()
            return
        kept = time.monotonic()
        async with aclosing(self._client.live_film(self.source.stream)) as messages:
            async for message in messages:
                now = time.monotonic()
                chunk = self._takes.feed(
                    message,
                    arrived=now,
                    moment=time.time() - self._client.clock_offset,
                )
                if chunk is not None:
                    kept = now
                    self._add(chunk)
                    if self._is_in_bits:
                        raise FrigateUnreachable("Its clock jumps again and again")
                elif now - kept >= self._timing.live_keyframe:
                    raise FrigateTimeout("No keyframe came for some seconds")

    async def _watch_stills(self) -> None:
        """Ask for one picture after the other; each can be shown by itself."""
        while True:
            asked = time.monotonic()
            data = await self._client.latest(self.camera)
            now = time.monotonic()
            moment = time.time() - self._client.clock_offset
            self._add(self._stills.feed(data, arrived=now, moment=moment))
            # Frigate scales each in its own loop.
            await asyncio.sleep(max(asked + self._timing.live_still - now, 0.0))

    def _add(self, chunk: Chunk) -> None:
        self.film.add(chunk)
        self.error = None
