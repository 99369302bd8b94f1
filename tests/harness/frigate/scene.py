"""What happens before the cameras: objects come and go, reviews begin and end.

Nothing waits here. What happens, happens when a method is called; `story.py`
calls them as time goes by, and a test may do it at once.
"""

from collections.abc import Callable, Iterable, Iterator
import random
from typing import Any

from . import payloads
from .bus import Bus
from .footage import Footage
from .model import ENDLESS, Camera, Review, TrackedObject
from .pictures import snapshot
from .timing import Timing

ALERT, DETECTION = "alert", "detection"
_ALERT_LABELS = frozenset({"person", "car"})
_ID_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"


class Scene(Bus):
    """The cameras with their footage, and the database of objects and reviews."""

    def __init__(
        self,
        *,
        version: str,
        topic_prefix: str,
        timing: Timing | None,
        clock: Callable[[], float],
        history: float,
        seed: int | None,
    ) -> None:
        """Begin with no camera; each one added has recorded `history` seconds."""
        super().__init__(version=version, topic_prefix=topic_prefix, clock=clock)
        self.timing = timing or Timing.of(self.version)
        self.cameras: dict[str, Camera] = {}
        self.objects: dict[str, TrackedObject] = {}
        self.reviews: dict[str, Review] = {}
        self._random = random.Random(seed)
        self._told: dict[str, dict[str, Any]] = {}
        self._history = history

    def add_camera(self, name: str, *, zones: tuple[str, ...] = ("porch",)) -> Camera:
        """Add a camera; MQTT hears of it at the next connect."""
        footage = Footage(name, began=self.clock() - self._history, timing=self.timing)
        camera = self.cameras[name] = Camera(name=name, footage=footage, zones=zones)
        return camera

    def remove_camera(self, name: str) -> None:
        """Take a camera out of the configuration; its rows and topics stay."""
        del self.cameras[name]

    # Objects

    def _new_id(self, moment: float) -> str:
        return f"{moment}-{''.join(self._random.choices(_ID_LETTERS, k=6))}"

    def begin_object(
        self,
        camera: str,
        label: str = "person",
        *,
        at: float | None = None,
        severity: str | None = None,
        sub_label: str | None = None,
        zones: Iterable[str] = (),
        has_snapshot: bool | None = None,
    ) -> TrackedObject:
        """Let an object come into view; 0.16+ publishes its picture at once.

        `severity` follows the label unless given. `has_snapshot` follows the
        camera's switch.
        """
        start = self.clock() if at is None else at
        if severity is None:
            severity = ALERT if label in _ALERT_LABELS else DETECTION
        if has_snapshot is None:
            has_snapshot = self.cameras[camera].snapshots
        tracked = TrackedObject(
            id=self._new_id(start),
            camera=camera,
            label=label,
            sub_label=sub_label,
            start=start,
            severity=severity,
            zones=list(zones),
            best_frame=start,
            has_snapshot=has_snapshot,
            frame=start,
        )
        self.objects[tracked.id] = tracked
        if self.version.early_snapshots:
            self.publish_snapshot(tracked)
        return tracked

    def publish_snapshot(self, tracked: TrackedObject) -> bytes:
        """Publish the object's small picture over MQTT, and return it."""
        camera = self.cameras[tracked.camera]
        image = snapshot(
            tracked.camera,
            tracked.label,
            tracked.frame,
            size=(270, 270),
            score=tracked.score,
        )
        if camera.mqtt:
            self.send(f"{tracked.camera}/{tracked.label}/snapshot", image, retain=True)
        return image

    def confirm_object(self, tracked: TrackedObject) -> None:
        """Let it pass the false positive threshold: `events` begins."""
        self._told[tracked.id] = payloads.event_state(self.version, tracked)
        tracked.confirmed = True
        tracked.score = 0.8
        tracked.frame = tracked.best_frame = self.clock()
        if not self.version.early_snapshots:
            self.publish_snapshot(tracked)
        self._send_event("new", tracked)

    def update_object(
        self, tracked: TrackedObject, *, zones: Iterable[str] = ()
    ) -> None:
        """See it again, a little better."""
        tracked.frame = self.clock()
        tracked.score = min(0.92, tracked.score + 0.04)
        tracked.best_frame = tracked.frame
        tracked.path.append(tracked.frame)
        tracked.zones += [zone for zone in zones if zone not in tracked.zones]
        self._send_event("update", tracked)

    def end_object(self, tracked: TrackedObject) -> None:
        """Let it go out of view. One that was never confirmed leaves no trace."""
        tracked.end = self.clock()
        if tracked.confirmed:
            self._send_event("end", tracked)
        else:
            del self.objects[tracked.id]

    def _send_event(self, kind: str, tracked: TrackedObject) -> None:
        after = payloads.event_state(self.version, tracked)
        before = self._told.get(tracked.id, after)
        self._told[tracked.id] = after
        self.send_json("events", {"before": before, "after": after, "type": kind})
        if kind == "end":
            del self._told[tracked.id]

    def create_manual_event(
        self,
        camera: str,
        label: str,
        *,
        duration: float | None,
        sub_label: str | None = None,
    ) -> TrackedObject:
        """Do what `POST /api/events/{camera}/{label}/create` does.

        It has no `events` messages and no MQTT picture, and its review begins
        with an `update`. Without a duration it goes on until it is ended.
        """
        now = self.clock()
        tracked = TrackedObject(
            id=self._new_id(now),
            camera=camera,
            label=label,
            sub_label=sub_label,
            start=now - 5,
            end=ENDLESS if duration is None else now + duration + 5,
            severity=ALERT,
            score=0.9,
            best_frame=now,
            confirmed=True,
            manual=True,
            frame=now,
        )
        self.objects[tracked.id] = tracked
        review = self.active_review(camera)
        if review is None and self.cameras[camera].recordings:
            self.begin_review([tracked], first="update", start=now)
        elif review is not None:
            review.objects.append(tracked)
        return tracked

    def object_picture(self, tracked: TrackedObject) -> bytes | None:
        """Return the full-size snapshot, or None if there is none.

        Frigate can also draw one while the object is in view, whatever
        the switches say.
        """
        if tracked.end is not None and not tracked.has_snapshot:
            return None
        return snapshot(
            tracked.camera,
            tracked.label,
            tracked.best_frame,
            size=(payloads.WIDTH, payloads.HEIGHT),
            score=tracked.score,
        )

    def active_objects(self, camera: str) -> list[TrackedObject]:
        """Return what is in view of a camera."""
        return [
            tracked
            for tracked in self.objects.values()
            if tracked.camera == camera
            and tracked.confirmed
            and (tracked.end is None or tracked.end == ENDLESS)
        ]

    # Reviews

    def active_review(self, camera: str) -> Review | None:
        """Return the camera's running review, if there is one."""
        for review in reversed(self.reviews.values()):
            if review.camera == camera and review.end is None:
                return review
        return None

    def begin_review(
        self,
        objects: list[TrackedObject],
        *,
        severity: str | None = None,
        first: str = "new",
        start: float | None = None,
    ) -> Review | None:
        """Open a review of these objects; None while recordings are off.

        `first` is the kind of its first message: `update` for manual events.
        """
        camera = objects[0].camera
        if not self.cameras[camera].recordings:
            return None
        if severity is None:
            alert = any(tracked.severity == ALERT for tracked in objects)
            severity = ALERT if alert else DETECTION
        start = objects[0].frame if start is None else start
        review = Review(
            id=self._new_id(start),
            camera=camera,
            start=start,
            severity=severity,
            objects=list(objects),
            thumb_time=None if first == "update" else start + 0.02,
            last_alert=start,
            last_activity=start,
        )
        self.reviews[review.id] = review
        row = payloads.review_row(self.version, review)
        self._send_review(first, row, row)
        return review

    def see_activity(self, review: Review, tracked: TrackedObject) -> None:
        """Let an object be active in a review: it joins, or upgrades, or just is."""
        now = self.clock()
        before = payloads.review_row(self.version, review)
        joins = tracked not in review.objects
        if joins:
            review.objects.append(tracked)
        upgrade = tracked.severity == ALERT and review.severity != ALERT
        if upgrade:
            review.severity = ALERT
        review.last_activity = now
        if tracked.severity == ALERT:
            review.last_alert = now
        if joins or upgrade:
            after = payloads.review_row(self.version, review)
            self._send_review("update", before, after)

    def end_review(self, review: Review, *, end: float | None = None) -> None:
        """End it at its last activity, or at `end`, and say so."""
        before = payloads.review_row(self.version, review)
        if end is None:
            alert = self.version.minor >= 17 and review.severity == ALERT
            end = review.last_alert if alert else review.last_activity
        review.end = end
        after = payloads.review_row(self.version, review)
        self._send_review("end", before, after)

    def _send_review(
        self, kind: str, before: dict[str, Any], after: dict[str, Any]
    ) -> None:
        self.send_json("reviews", {"type": kind, "before": before, "after": after})
        if self.version.minor >= 16:
            status = "NONE" if kind == "end" else str(after["severity"]).upper()
            self.send(f"{after['camera']}/review_status", status.encode())

    def newest_reviews(self) -> Iterator[Review]:
        """Yield the reviews, the one that began last first."""
        return iter(sorted(self.reviews.values(), key=lambda one: -one.start))
