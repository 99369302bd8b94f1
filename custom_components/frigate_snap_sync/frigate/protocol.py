"""What the integration asks of one Frigate, whether real or a fake."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Protocol

from .live_stream import LiveMessage
from .models import FrigateConfig, Page, Review, Segments, TrackedObject
from .version import FrigateVersion


class FrigateApi(Protocol):
    """One Frigate; `FrigateClient` is it, and says what each method means.

    Every method raises only `FrigateError`. Times are epoch seconds of Frigate's
    clock.
    """

    @property
    def clock_offset(self) -> float:
        """Local time minus Frigate's time in seconds; 0.0 until known."""

    async def version(self) -> FrigateVersion:
        """Ask for the version."""

    async def config(self) -> FrigateConfig:
        """Ask for the configuration in force."""

    async def uptime(self) -> float:
        """Return for how many seconds Frigate has been running."""

    async def camera_fps(self, camera: str) -> float:
        """Return how many pictures a second a camera sends, 0.0 for one that is away."""

    async def review(self, review_id: str) -> Review | None:
        """Return a review, None if Frigate has no such one."""

    async def reviews(self, *, after: float, before: float) -> list[Review]:
        """Return all reviews that overlap the time."""

    async def event(self, event_id: str) -> TrackedObject | None:
        """Return a tracked object, None if Frigate has no such one."""

    async def events(
        self,
        *,
        after: float,
        before: float,
        limit: int,
        min_length: float | None = None,
        in_progress: bool = False,
    ) -> Page:
        """Return the newest `limit` tracked objects that began in that time."""

    async def recordings(self, camera: str, *, after: float, before: float) -> Segments:
        """Return the footage on Frigate's disk for that time, oldest first."""

    async def hours(self, camera: str) -> list[int]:
        """Return the hours in which footage begins, oldest first."""

    async def snapshot(self, event_id: str) -> bytes:
        """Return the picture of a tracked object."""

    async def latest(self, camera: str) -> bytes:
        """Return the newest picture of a camera."""

    def live_film(self, stream: str) -> AsyncGenerator[LiveMessage]:
        """Yield the film of one of go2rtc's streams while it happens."""

    async def clip(
        self,
        camera: str,
        *,
        start: float,
        end: float,
        write: Callable[[bytes], Awaitable[None]],
    ) -> int:
        """Stream the footage of that time to `write`; return its bytes."""
