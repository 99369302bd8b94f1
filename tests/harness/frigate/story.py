"""Stories: who comes into view when, and all that follows as time goes by."""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any

from .core import Frigate
from .model import ENDLESS, Review, TrackedObject
from .scene import ALERT

_REVIEW_CHECK = 0.1


class Visit:
    """Something that comes into view, stays, and goes.

    `tracked` is there at once; `review` when it has one. A visit ends when
    its review has ended, which the next visit to that camera may delay.
    """

    def __init__(self, tracked: TrackedObject) -> None:
        """Begin with the object."""
        self.tracked = tracked
        self.review: Review | None = None
        self.confirmed = asyncio.Event()
        self.gone = asyncio.Event()
        self.ended = asyncio.Event()


class Story:
    """Plays visits on a `Frigate`, with its timing; many at the same time."""

    def __init__(self, frigate: Frigate) -> None:
        """Nothing happens yet."""
        self._frigate = frigate
        self._tasks: set[asyncio.Task[None]] = set()
        self._keepers: dict[str, asyncio.Task[None]] = {}

    def visit(
        self,
        camera: str,
        label: str = "person",
        seconds: float = 8,
        *,
        severity: str | None = None,
        sub_label: str | None = None,
        zones: Iterable[str] = (),
        has_snapshot: bool | None = None,
        false_positive: bool = False,
    ) -> Visit:
        """Let something be in view of a camera for that long.

        `zones` are entered half-way. A false positive gives a picture over
        MQTT (0.16+) and nothing else.
        """
        tracked = self._frigate.begin_object(
            camera,
            label,
            severity=severity,
            sub_label=sub_label,
            has_snapshot=has_snapshot,
        )
        visit = Visit(tracked)
        if false_positive:
            self._spawn(self._play_false_positive(visit, seconds))
        else:
            self._spawn(self._play(visit, seconds, tuple(zones)))
        return visit

    def manual_event(
        self,
        camera: str,
        label: str,
        seconds: float | None,
        *,
        sub_label: str | None = None,
    ) -> Visit:
        """Let somebody make an event by the API; None: until recordings go off."""
        tracked = self._frigate.create_manual_event(
            camera, label, duration=seconds, sub_label=sub_label
        )
        visit = Visit(tracked)
        visit.review = self._frigate.active_review(camera)
        visit.confirmed.set()
        self._spawn(self._play_manual(visit, seconds))
        return visit

    async def finish(self) -> None:
        """Wait until everything that was begun has ended, the reviews too."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def stop(self) -> None:
        """Stop playing: nothing more happens, nothing that runs is ended."""
        tasks = [*self._tasks, *self._keepers.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._keepers.clear()

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _play_false_positive(self, visit: Visit, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self._frigate.end_object(visit.tracked)
        visit.gone.set()
        visit.ended.set()

    async def _play(self, visit: Visit, seconds: float, zones: tuple[str, ...]) -> None:
        frigate, tracked, timing = self._frigate, visit.tracked, self._frigate.timing
        loop = asyncio.get_running_loop()
        began = loop.time()
        await asyncio.sleep(timing.confirm)
        frigate.confirm_object(tracked)
        self._be_active(visit)
        visit.confirmed.set()
        while (left := began + seconds - loop.time()) > 0:
            await asyncio.sleep(min(left, timing.update))
            half_way = loop.time() - began >= seconds / 2
            frigate.update_object(tracked, zones=zones if half_way else ())
            self._be_active(visit)
        frigate.end_object(tracked)
        visit.gone.set()
        await self._review_end(visit)

    async def _play_manual(self, visit: Visit, seconds: float | None) -> None:
        review = visit.review
        if review is None:
            visit.ended.set()
            return
        end = None if seconds is None else review.last_activity + seconds
        while end is None or self._frigate.clock() < end:
            await asyncio.sleep(_REVIEW_CHECK)
            if review.end is not None:
                break
            if end is None:
                self._frigate.see_activity(review, visit.tracked)
        else:
            review.last_alert = review.last_activity = end
        visit.gone.set()
        self._keep(review)
        await self._review_end(visit)

    async def _review_end(self, visit: Visit) -> None:
        while visit.review is not None and visit.review.end is None:
            await asyncio.sleep(_REVIEW_CHECK)
        visit.ended.set()

    def _be_active(self, visit: Visit) -> None:
        """Let the object open a review, join the one that runs, or go on in it."""
        frigate, camera = self._frigate, visit.tracked.camera
        review = frigate.active_review(camera)
        if review is None:
            review = frigate.begin_review([visit.tracked])
        else:
            frigate.see_activity(review, visit.tracked)
        visit.review = review
        if review is not None:
            self._keep(review)

    def _keep(self, review: Review) -> None:
        """See to it that the review ends when nothing has been active for long."""
        keeper = self._keepers.get(review.camera)
        if keeper is None or keeper.done():
            self._keepers[review.camera] = asyncio.create_task(
                self._end_when_quiet(review)
            )

    async def _end_when_quiet(self, review: Review) -> None:
        frigate, timing = self._frigate, self._frigate.timing
        cutoffs = {True: timing.alert_cutoff, False: timing.detection_cutoff}
        while review.end is None:
            quiet_at = max(
                review.last_activity + timing.detection_cutoff,
                review.last_alert + cutoffs[review.severity == ALERT],
            )
            busy = any(
                tracked.end is None or tracked.end == ENDLESS
                for tracked in review.objects
            )
            if not busy and frigate.clock() >= quiet_at:
                frigate.end_review(review)
                return
            await asyncio.sleep(_REVIEW_CHECK)
