"""What a drill sends: the newest picture of a camera, and its last ten seconds."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
import logging
import time
from typing import Final

from ...frigate.errors import (
    FrigateAuthFailed,
    FrigateError,
    FrigateForbidden,
    MediaBroken,
    MediaNotReady,
)
from ...frigate.media import check_mp4
from ...frigate.models import Segment
from ...frigate.protocol import FrigateApi
from ...storage.read_back import Content
from ..model.drill import DrillCause, Failure, Step
from ..model.errors import SpoolError, SpoolFull
from ..model.footage_ranges import FootageRange
from ..monitoring.frigate_monitor import is_about_one_file
from ..services import Services
from ..spool.spool import SpoolFile
from .stopwatch import Stopwatch

_LOGGER = logging.getLogger(__name__)

SECONDS: Final = 10
"""Of footage that a drill sends."""
TRIES: Final = 3
"""How often a clip is asked for: Frigate mixes up two requests at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillItem:
    """A file in the spool that is to be sent, and the step that does it."""

    step: Step
    spool_name: str
    content: Content
    extension: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What Frigate gave: at least a picture, unless it failed.

    `footage` is when the footage was recorded, by Frigate's clock.
    """

    items: tuple[DrillItem, ...] = ()
    footage: FootageRange | None = None
    failure: Failure | None = None

    @property
    def size(self) -> int:
        """Return the bytes of all files."""
        return sum(item.content.size for item in self.items)


def last_seconds(segments: Sequence[Segment], *, seconds: int) -> FootageRange | None:
    """Return the last whole seconds that were recorded, None where nothing was."""
    if not segments:
        return None
    end = int(max(segment.end_time for segment in segments))
    first = int(min(segment.start_time for segment in segments))
    start = max(end - seconds, first)
    return FootageRange(start, end) if start < end else None


def cause_of(error: FrigateError | SpoolError, step: Step) -> DrillCause:
    """Return the key of what kept Frigate from giving something, or us from taking it."""
    match error:
        case FrigateForbidden():
            return DrillCause.CAMERA_FORBIDDEN
        case FrigateAuthFailed():
            return DrillCause.FRIGATE_LOGIN_REFUSED
        case SpoolFull():
            return DrillCause.SPOOL_FULL
        case SpoolError():
            return DrillCause.SPOOL_FAILING
        case FrigateError() if not is_about_one_file(error):
            return DrillCause.FRIGATE_AWAY
    return DrillCause.NO_PICTURE if step is Step.PICTURE else DrillCause.FOOTAGE_BROKEN


class _Missing(Exception):
    """Frigate answers, but not with what a working camera has; `cause` is the key."""

    def __init__(self, cause: DrillCause) -> None:
        """Keep the cause."""
        super().__init__(cause)
        self.cause = cause


class Materials:
    """Fetches what drills send into the spool."""

    def __init__(self, client: FrigateApi, *, services: Services) -> None:
        """Keep what it works with."""
        self._client = client
        self._spool = services.spool
        self._timing = services.timing

    async def take(
        self, camera: str, watch: Stopwatch, *, is_film_wanted: bool
    ) -> Material:
        """Fetch a camera's newest picture and footage; never raises but a cancellation.

        What came before a failure is removed.
        """
        items: list[DrillItem] = []
        try:
            async with watch.measured(Step.PICTURE, most=self._timing.drill_step):
                items.append(await self._picture(camera))
            footage: FootageRange | None = None
            if is_film_wanted:
                most = 3 * self._timing.drill_step
                async with watch.measured(Step.FOOTAGE, most=most):
                    footage = await self._recorded(camera)
                    if footage is not None:
                        items.append(await self._clip(camera, footage))
        except (FrigateError, SpoolError, TimeoutError, _Missing) as err:
            await self.remove(items)
            step = watch.step or Step.PICTURE
            _LOGGER.debug("The drill of %s failed at Frigate: %s", camera, err)
            match err:
                case _Missing():
                    cause = err.cause
                case TimeoutError():
                    cause = DrillCause.TOO_SLOW
                case _:
                    cause = cause_of(err, step)
            return Material(failure=Failure(step=step, cause=cause))
        except BaseException:
            await self.remove(items)
            raise
        return Material(items=tuple(items), footage=footage)

    async def remove(self, items: Sequence[DrillItem]) -> None:
        """Remove files from the spool; one that stays is removed at the next start."""
        try:
            await self._spool.remove(item.spool_name for item in items)
        except SpoolError as err:
            _LOGGER.debug("What a drill has sent stays in the spool: %s", err)

    async def _picture(self, camera: str) -> DrillItem:
        image = await self._client.latest(camera)
        # Frigate may have a picture of a camera that is away: an old one, or one that
        # says so, and not every version tells them apart.
        if not await self._client.camera_fps(camera):
            raise _Missing(DrillCause.CAMERA_SILENT)
        return _item(Step.SEND_PICTURE, await self._spool.store(image, "jpg"), "jpg")

    async def _recorded(self, camera: str) -> FootageRange | None:
        now = time.time() - self._client.clock_offset
        segments = await self._client.recordings(
            camera, after=now - self._timing.drill_window, before=now
        )
        footage = last_seconds(segments, seconds=SECONDS)
        if footage is None and await self._should_record(camera):
            raise _Missing(DrillCause.NO_FOOTAGE)
        return footage

    async def _should_record(self, camera: str) -> bool:
        """Tell whether Frigate has footage of every moment, as its owner set it up.

        Where it keeps what happens alone, no footage of a quiet hour is no fault.
        """
        config = (await self._client.config()).cameras.get(camera)
        return (
            config is not None and config.recordings_enabled and config.keeps_everything
        )

    async def _clip(self, camera: str, footage: FootageRange) -> DrillItem:
        for left in reversed(range(TRIES)):
            try:
                return await self._download(camera, footage)
            except MediaBroken, MediaNotReady:
                if not left:
                    raise
            await asyncio.sleep(self._timing.part_retry)
        raise AssertionError

    async def _download(self, camera: str, footage: FootageRange) -> DrillItem:
        async with self._spool.writer("mp4", reserve=self._spool.reserve) as writer:
            await self._client.clip(
                camera, start=footage.start, end=footage.end, write=writer.write
            )
            await writer.flush()
            await asyncio.to_thread(check_mp4, writer.path)
            return _item(Step.SEND_FOOTAGE, await writer.finish(), "mp4")


def _item(step: Step, file: SpoolFile, extension: str) -> DrillItem:
    return DrillItem(
        step=step,
        spool_name=file.name,
        content=Content(size=file.size, sha256=file.sha256),
        extension=extension,
    )
