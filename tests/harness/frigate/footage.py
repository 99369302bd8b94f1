"""Which footage of a camera exists, and which can be had at a given moment.

All times are epoch seconds of the simulated Frigate's clock.
"""

from collections.abc import Iterator
from dataclasses import dataclass
import hashlib
import math

from .timing import Timing

KEYFRAME_SECONDS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A file of footage: whole seconds, `end` not included."""

    camera: str
    start: int
    end: int
    available: float
    """When Frigate has moved it to its place, so that it can be asked for."""

    @property
    def id(self) -> str:
        """The id of its row in Frigate's database."""
        return f"{float(self.start)}-{_digest(self.camera, self.start)[:6]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Footage from `start` up to `end`; it begins with a keyframe."""

    start: int
    end: int


def _digest(camera: str, moment: int) -> str:
    return hashlib.sha256(f"{camera}@{moment}".encode()).hexdigest()


class Footage:
    """The recordings of one camera, which grow as time goes by."""

    def __init__(self, camera: str, *, began: float, timing: Timing) -> None:
        """Record `camera` from `began` on."""
        self.camera = camera
        self.began = began
        self.timing = timing
        self._off_since: float | None = None
        self._not_kept: list[tuple[float, float]] = []
        self._missing: list[tuple[float, float]] = []
        self._late: list[tuple[float, float, float]] = []
        self.doubtful: list[tuple[float, float]] = []
        """Ranges that a clip could have for some of the time only."""
        self._holes: list[tuple[float, float]] = []
        self._newest = began
        # Each camera cuts its segments at other seconds.
        self._offset = int(_digest(camera, 0), 16) % timing.segment

    def switch(self, *, on: bool, at: float) -> None:
        """Keep what is recorded from now on, or don't.

        Frigate throws away what it had recorded and not yet moved, and keeps
        the segment that is being recorded when it is switched on again.
        """
        if not on and self._off_since is None:
            self._off_since = at
        elif on and self._off_since is not None:
            self._not_kept.append((self._off_since, at))
            self._off_since = None

    def lose(self, start: float, end: float) -> None:
        """Have no segment that overlaps this range: camera or Frigate was down."""
        self._missing.append((start, end))

    def be_late(self, start: float, end: float, *, until: float) -> None:
        """Let no segment that ends in this range be served before `until`.

        As when Frigate's disk is too busy.
        """
        self._late.append((start, end, until))

    def jump(self, old: float, new: float) -> None:
        """Let Frigate's clock be set: forward leaves a hole, back fills it later.

        What was recorded stays, though its time be yet to come.
        """
        if new > old:
            self._holes.append((old, new))
            return
        for number, (begin, end) in enumerate(self._holes):
            if begin < new < end:
                self._holes[number] = (begin, new)
                self.doubtful.append((new, end))

    def seconds(self, start: float, end: float, *, now: float) -> set[int]:
        """Return the seconds of a range that a clip of it holds now."""
        return {
            second
            for piece in self.pieces(start, end, now=now)
            for second in range(piece.start, piece.end)
        }

    def segments(self, start: float, end: float, *, now: float) -> Iterator[Segment]:
        """Yield the segments overlapping the range that can be had now."""
        now = self._newest = max(now, self._newest)
        first = max(start, self.began)
        last = min(end, now)
        if not (math.isfinite(first) and math.isfinite(last)):
            return
        length = self.timing.segment
        moment = math.floor((first - self._offset) / length) * length + self._offset
        while moment < last:
            segment = self._segment(moment)
            if self._exists(segment, now) and segment.end > first:
                yield segment
            moment += length

    def _segment(self, start: int) -> Segment:
        low, high = self.timing.available
        fraction = int(_digest(self.camera, start)[:8], 16) / 0xFFFFFFFF
        end = start + self.timing.segment
        moments = [until for begin, stop, until in self._late if begin <= end < stop]
        return Segment(
            camera=self.camera,
            start=start,
            end=end,
            available=max(start + low + (high - low) * fraction, *moments, 0),
        )

    def _exists(self, segment: Segment, now: float) -> bool:
        if segment.available > now or segment.start < math.floor(self.began):
            return False
        off = [*self._not_kept]
        if self._off_since is not None:
            off.append((self._off_since, math.inf))
        return not (
            any(start <= segment.available < end for start, end in off)
            or any(
                segment.start < end and segment.end > start
                for start, end in (*self._missing, *self._holes)
            )
        )

    def pieces(self, start: float, end: float, *, now: float) -> list[Piece]:
        """Return what a clip of the range holds.

        As Frigate's clips do, each segment's part begins at the keyframe before
        the asked second, and both ends are cut to whole seconds.
        """
        pieces: list[Piece] = []
        for segment in self.segments(start, end, now=now):
            begin = max(0, int(start - segment.start))
            begin -= begin % KEYFRAME_SECONDS
            stop = min(segment.end, segment.start + int(end - segment.start))
            if stop > segment.start + begin:
                pieces.append(Piece(start=segment.start + begin, end=stop))
        return pieces
