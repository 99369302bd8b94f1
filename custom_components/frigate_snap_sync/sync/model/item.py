"""Items: what Frigate has reported, and the states in which an upload may be."""

from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Final

from ...frigate.models import Review, Severity, TrackedObject
from .rank import Rank


class Media(StrEnum):
    """The three media that a destination may want."""

    LIVE_SNAPSHOTS = "live_snapshots"
    SNAPSHOTS = "snapshots"
    RECORDINGS = "recordings"

    @property
    def kind(self) -> str:
        """Return the name of one of them, as file name templates know it."""
        return self.value.removesuffix("s")

    @property
    def extension(self) -> str:
        """Return the ending of a file name, without the dot."""
        return "mp4" if self is Media.RECORDINGS else "jpg"


class UploadState(StrEnum):
    """Where an upload is. All but `PENDING` are final."""

    PENDING = "pending"
    VERIFIED = "verified"
    GONE = "gone"
    INCOMPLETE = "incomplete"
    SKIPPED = "skipped"
    DROPPED = "dropped"
    SUPERSEDED = "superseded"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class Role(StrEnum):
    """What a file is to its item."""

    WHOLE = "whole"
    """The item itself, or one of the half hours of a long recording."""
    PART = "part"
    """Footage that leaves while its review is active, or that lies behind what Frigate
    can't give; the whole supersedes it."""
    INCOMPLETE = "incomplete"
    """The longest playable piece of a whole that Frigate can't give."""
    LIVE = "live"
    """Film that left while it happened, or a piece of it: no upload."""


_RANGE: Final = "range"
"""The label of a stretch of footage, and what its id begins with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One live snapshot, one tracked object's snapshot or one review's recording.

    `source_id` is Frigate's id of the review or tracked object; for a live
    snapshot, which has none, `camera/label/SHA-256 of the image`, so that the
    same image twice is one item (behind a label that was cleaned is a `~` and what
    tells it apart from others that look the same then). Times are epoch seconds:
    `start` and `end` of Frigate's clock (a live snapshot: the moment of receipt),
    `reported_at` of ours. `end` is None while a review is active. `pictured` is when the picture of a
    tracked object was taken, where Frigate tells. `object_ids` are the tracked objects
    that a review names; an item that comes from the ledger has none.
    """

    media: Media
    source_id: str
    camera: str
    label: str
    labels: frozenset[str]
    zones: frozenset[str]
    severity: Severity | None
    start: float
    end: float | None
    reported_at: float
    pictured: float | None = None
    object_ids: frozenset[str] = frozenset()

    @property
    def short_id(self) -> str:
        """Return the part of the id that goes into a file name."""
        if self.media is Media.LIVE_SNAPSHOTS:
            return self.source_id.rpartition("/")[2][:8]
        return self.source_id.rpartition("-")[2]

    @property
    def shown_labels(self) -> tuple[str, ...]:
        """Return what it shows in a person's words, in order."""
        return (self.label,) if self.label else tuple(sorted(self.labels))

    @property
    def review_id(self) -> str | None:
        """Return the id of the review that it is; None if it is another medium."""
        is_review = self.media is Media.RECORDINGS and not self.is_range
        return self.source_id if is_review else None

    @property
    def is_range(self) -> bool:
        """Tell whether this is a stretch of footage that a person asked for."""
        return self.source_id.startswith(f"{_RANGE}-")

    def rank(self, role: Role = Role.WHOLE) -> Rank:
        """Return the place of one of the item's files in the order of work."""
        is_alert = self.severity is Severity.ALERT
        match self.media, role:
            case Media.LIVE_SNAPSHOTS, _:
                return Rank.LIVE_SNAPSHOT
            case Media.SNAPSHOTS, _:
                return Rank.SNAPSHOT
            case _ if self.is_range:
                return Rank.RANGE_CLIP
            case _, Role.PART:
                return Rank.ALERT_PART if is_alert else Rank.DETECTION_PART
            case _:
                return Rank.ALERT_CLIP if is_alert else Rank.DETECTION_CLIP


def live_snapshot_item(
    camera: str, label: str, sha256: str, *, received: float, mark: str = ""
) -> Item:
    """Return the item of an image that Frigate published over MQTT.

    `mark` is that of the message: see `LiveSnapshotMessage`.
    """
    return Item(
        media=Media.LIVE_SNAPSHOTS,
        source_id=f"{camera}/{label}{mark and f'~{mark}'}/{sha256}",
        camera=camera,
        label=label,
        labels=frozenset({label}),
        zones=frozenset(),
        severity=None,
        start=received,
        end=received,
        reported_at=received,
    )


def snapshot_item(tracked: TrackedObject, *, reported_at: float) -> Item:
    """Return the item of a tracked object's full-size snapshot."""
    labels = {tracked.label, *tracked.sub_labels}
    if tracked.sub_label and not tracked.sub_labels:
        labels.add(tracked.sub_label)
    return Item(
        media=Media.SNAPSHOTS,
        source_id=tracked.id,
        camera=tracked.camera,
        label=tracked.label,
        labels=frozenset(labels),
        zones=tracked.zones,
        severity=tracked.severity,
        start=tracked.start_time,
        end=tracked.end_time,
        reported_at=reported_at,
        pictured=tracked.pictured,
    )


def recording_item(review: Review, *, reported_at: float) -> Item:
    """Return the item of a review's recording."""
    return Item(
        media=Media.RECORDINGS,
        source_id=review.id,
        camera=review.camera,
        label="",
        labels=review.labels,
        zones=review.zones,
        severity=review.severity,
        start=review.start_time,
        end=review.end_time,
        reported_at=reported_at,
        object_ids=review.detections,
    )


def range_item(
    camera: str, start: float, end: float, *, clock_offset: float, reported_at: float
) -> Item:
    """Return the item of a stretch of footage that a person asked for.

    Times are by our clock, which is `clock_offset` seconds ahead of Frigate's. The same
    stretch is the same item whatever that is. A budget takes it for a detection.
    """
    key = sha256(f"{camera}\n{start:.3f}\n{end:.3f}".encode()).hexdigest()
    return Item(
        media=Media.RECORDINGS,
        source_id=f"{_RANGE}-{key[:12]}",
        camera=camera,
        label=_RANGE,
        labels=frozenset({_RANGE}),
        zones=frozenset(),
        severity=Severity.DETECTION,
        start=start - clock_offset,
        end=end - clock_offset,
        reported_at=reported_at,
    )
