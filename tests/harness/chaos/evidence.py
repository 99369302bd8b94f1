"""What Frigate published, and what of it lies where: compared byte by byte."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
import hashlib
from math import ceil, floor, inf
import re
import time
from zoneinfo import ZoneInfo

from ..arrivals import Item, Kind, live_snapshot
from ..frigate import Frigate, FrigateServer, Review
from ..frigate.footage import KEYFRAME_SECONDS
from .folder import File

_TIME = r"\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d[+-]\d{4}"
_NAME = re.compile(
    rf"(?P<time>{_TIME})-(?P<camera>.+?)-(?P<kind>recording|snapshot|live-snapshot)"
    r"(?:-(?P<label>.+?))??-(?P<id>(?!live\d\d)[0-9a-z]+)"
    r"(?:-(?P<suffix>part\d{3}|live\d\d(?:-\d{4})?|\d\d|incomplete))?\.(?:mp4|jpg)"
)
_CLIP = re.compile(r"/api/[^/]+/start/([0-9.]+)/end/([0-9.]+)/clip\.mp4")
_PADDING = 5
_SIGN = 20
"""Seconds between a first sign and its review, at most."""
_LEAST_FOOTAGE = 2
"""Seconds of which it can't be said whether a clip of them has a picture."""
_SHORT = 3
"""Seconds that a recording may lack: keyframes, and fractions at both ends."""


@dataclass(frozen=True, slots=True)
class Loss:
    """Footage of a review that Frigate lost on purpose."""

    review: str
    seconds: frozenset[int]
    at: float
    """When: monotonic."""
    parts: Mapping[str, Mapping[str, str]]
    """The parts that were at each destination then: SHA-256 by path."""


@dataclass(slots=True)
class Verdict:
    """What is wrong at one destination: a line about each thing."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    corrupt: list[str] = field(default_factory=list)
    unfinished: list[str] = field(default_factory=list)
    incomplete: list[str] = field(default_factory=list)
    """Not wrong: Frigate would not give the rest."""
    live_snapshots: int = 0
    snapshots: int = 0
    recordings: int = 0
    """How many items are there, parts not counted."""

    @property
    def is_good(self) -> bool:
        """Tell whether nothing is wrong."""
        return not (self.lost or self.doubled or self.corrupt or self.unfinished)


class Evidence:
    """Listens to a Frigate from now on, and judges what has become of its items.

    `heard` tells of a moment whether what was published then must have reached
    Home Assistant.
    """

    def __init__(
        self,
        frigate: Frigate,
        server: FrigateServer,
        zone: ZoneInfo,
        *,
        heard: Callable[[float], bool],
    ) -> None:
        """Begin to listen."""
        self._frigate = frigate
        self._server = server
        self._zone = zone
        self._heard = heard
        self._live: list[Item] = []
        self.losses: list[Loss] = []
        frigate.listeners.append(self._hear)

    def _hear(self, topic: str, payload: bytes, _retain: bool) -> None:
        match topic.removeprefix(f"{self._frigate.topic_prefix}/").split("/"):
            case [camera, label, "snapshot"]:
                self._live.append(live_snapshot(camera, label, payload))

    def items(self) -> tuple[list[Item], list[Item]]:
        """Return what must be everywhere, and what may be there.

        The second are live snapshots that nobody could have heard of, and
        recordings of which there is next to no footage.
        """
        must: list[Item] = []
        may: list[Item] = []
        for item in self._live:
            (must if self._heard(item.published) else may).append(item)
        must += [
            Item(
                kind=Kind.SNAPSHOT,
                camera=tracked.camera,
                label=tracked.label,
                start=tracked.start,
                frigate_id=tracked.id,
                tail=f"-{tracked.id.rsplit('-', 1)[-1]}.jpg",
                published=tracked.end,
            )
            for tracked in self._frigate.objects.values()
            if tracked.confirmed and tracked.has_snapshot and tracked.end is not None
        ]
        for review in self._frigate.reviews.values():
            if review.end is None:
                continue
            item = Item(
                kind=Kind.RECORDING,
                camera=review.camera,
                label=", ".join(one.label for one in review.objects),
                start=review.start,
                end=review.end,
                frigate_id=review.id,
                tail=f"-{review.id.rsplit('-', 1)[-1]}.mp4",
                published=review.end,
            )
            footage = self._footage(
                item, floor(review.start - _PADDING), ceil(review.end + _PADDING)
            )
            (must if footage >= _LEAST_FOOTAGE else may).append(item)
        return must, may

    def lose(
        self, review: Review, begin: int, end: int, files: Mapping[str, list[File]]
    ) -> set[int]:
        """Let Frigate lose footage of a review, and return the seconds it had of it.

        `files` are what lies at the destinations. What parts hold of it may be all
        that is left of it from now on.
        """
        footage = self._frigate.cameras[review.camera].footage
        # Segments go as a whole.
        around = (begin - 60, end + 60)
        before = footage.seconds(*around, now=self._frigate.clock())
        footage.lose(begin, end)
        lost = before - footage.seconds(*around, now=self._frigate.clock())
        tail = review.id.rsplit("-", 1)[-1]
        parts = {
            name: {
                file.path: file.sha256
                for file in found
                if f"-{tail}-part" in file.path and self._held(file) & lost
            }
            for name, found in files.items()
        }
        self.losses.append(Loss(review.id, frozenset(lost), time.monotonic(), parts))
        return lost

    def judge(self, files: Iterable[File], destination: str = "") -> Verdict:
        """Compare what lies at a destination with what should (blocking)."""
        must, may = self.items()
        verdict = Verdict()
        by_key = {_key(item): item for item in (*must, *may)}
        found: dict[tuple[str, str, str], list[tuple[File, str]]] = {}
        unsettled: dict[str, list[File]] = {}
        for file in files:
            name = file.path.rsplit("/", 1)[-1]
            if name.startswith(".") or name.endswith(".tmp") or "-check-" in name:
                verdict.unfinished.append(file.path)
                continue
            match = _NAME.fullmatch(name)
            key = (match["kind"], match["camera"], match["id"]) if match else ("",) * 3
            if match is not None and key not in by_key:
                key = _review_behind(match, by_key) or key
            if match is not None and key not in by_key and _is_live(match):
                film = _film(file, match["suffix"])
                unsettled.setdefault(film, []).append(file)
                continue
            if match is None or key not in by_key:
                verdict.corrupt.append(f"{file.path}: nothing that Frigate has")
                continue
            found.setdefault(key, []).append((file, match["suffix"] or ""))
        for pieces in unsettled.values():
            if not any(self._is_only_copy(piece) for piece in pieces):
                verdict.corrupt += (f"{piece.path}: of no review" for piece in pieces)
        for key, item in by_key.items():
            own = found.get(key, [])
            wholes = [one for one in own if not _is_early(one[1])]
            if wholes and item.kind is Kind.LIVE_SNAPSHOT:
                verdict.live_snapshots += 1
            elif wholes and item.kind is Kind.SNAPSHOT:
                verdict.snapshots += 1
            elif any(suffix != "incomplete" for _, suffix in wholes):
                verdict.recordings += 1
            elif item in must and not wholes:
                parts = f", but {len(own)} part(s)" if own else ""
                verdict.lost.append(f"{self._described(item)}{parts}")
            if item.kind is Kind.RECORDING:
                own = self._without_last_copies(item, own, destination, verdict)
            if len(wholes) > 1 or (wholes and len(own) > 1):
                names = ", ".join(file.path for file, _ in own)
                verdict.doubled.append(f"{self._described(item)}: {names}")
            for file, suffix in found.get(key, []):
                if reason := self._wrong(item, file, suffix):
                    verdict.corrupt.append(f"{file.path}: {reason}")
                elif suffix == "incomplete":
                    verdict.incomplete.append(file.path)
        return verdict

    def _is_only_copy(self, film: File) -> bool:
        """Tell whether film of a sign without a review shows what Frigate has not.

        Whether a review would have followed is not known then.
        """
        name = _NAME.fullmatch(film.path.rsplit("/", 1)[-1])
        assert name is not None
        return any(
            not self._frigate.clip(name["camera"], second, second + 1)
            for second in film.shown
        )

    def _without_last_copies(
        self,
        item: Item,
        own: list[tuple[File, str]],
        destination: str,
        verdict: Verdict,
    ) -> list[tuple[File, str]]:
        """Return the files of a recording but for parts that must stay.

        Those hold what Frigate has lost since, and no whole has. One that is missing
        is noted. Beside an incomplete recording all parts may stay, if Frigate
        really has no more of it.
        """
        wholes = [file for file, suffix in own if not _is_early(suffix)]
        paths = {file.path: file.sha256 for file, _ in own}
        if any(suffix == "incomplete" for _, suffix in own) and self._has_holes(item):
            own = [one for one in own if not _is_early(one[1])]
        # Films may show what Frigate never had on its disk, or has no more.
        is_safe = not (self._has_holes(item) or self._has_lost(item))
        # Of one that is needed all pieces stay.
        needed = {
            _film(file, suffix)
            for file, suffix in own
            if suffix.startswith("live")
            and not (is_safe and self._is_replaced(item, file, wholes))
        }
        own = [each for each in own if _film(*each) not in needed]
        # Behind a hole it can't be known which footage a clip holds.
        hole = inf if self._has_lost(item) else self._first_hole(item)
        staying = {
            file.path
            for file, suffix in own
            if "part" in suffix and any(second > hole for second in self._held(file))
        }
        for loss in self.losses:
            if loss.review != item.frigate_id:
                continue
            if any(
                self._server.journal.first_served(file.sha256) < loss.at
                for file in wholes
                if self._server.journal.paths_of(file.sha256)
            ):
                continue  # That whole has it all.
            staying |= {
                file.path
                for file, suffix in own
                if "part" in suffix and self._held(file) & loss.seconds
            }
            for path, sha256 in loss.parts.get(destination, {}).items():
                if f"{item.tail.removesuffix('.mp4')}-" in path and (
                    paths.get(path) != sha256
                ):
                    verdict.lost.append(f"{path}: the last copy of what Frigate lost")
        return [(file, suffix) for file, suffix in own if file.path not in staying]

    def _has_lost(self, item: Item) -> bool:
        """Tell whether Frigate has lost footage of a review on purpose."""
        return any(loss.review == item.frigate_id for loss in self.losses)

    def _has_holes(self, item: Item) -> bool:
        """Tell whether Frigate lacks footage from within a review."""
        begin, end = floor(item.start - _PADDING), ceil(item.end or item.start)
        return self._footage(item, begin, end) < end - begin

    def _first_hole(self, item: Item) -> float:
        """Return the first second within a review of which Frigate has no footage."""
        begin, end = floor(item.start - _PADDING), ceil(item.end or item.start)
        holes = (at for at in range(begin, end) if not self._footage(item, at, at + 1))
        return next(holes, inf)

    def _is_replaced(self, item: Item, film: File, wholes: Sequence[File]) -> bool:
        """Tell whether wholes surely hold every second that a film shows.

        It can show more than the review, whose end may have been reported late: of
        before its beginning if Frigate's clock was set back meanwhile. And Frigate may
        get on its disk what it was asked for in vain. What stills show isn't seen here.
        """
        if film.path.endswith(".jpg"):
            return False
        unsure: set[int] = set()
        for whole in wholes:
            if not (asked := self._held(whole)) or whole.seconds is None:
                continue
            pieces = self._frigate.clip(item.camera, min(asked), max(asked) + 1)
            lengths = [piece.end - piece.start for piece in pieces]
            if sum(lengths) - whole.seconds >= 1:
                return False
            if lengths and lengths[-1] <= KEYFRAME_SECONDS:
                # A clip without the last segment that begins a keyframe earlier is as long.
                unsure |= set(range(pieces[-1].start, pieces[-1].end))
        return all(
            second >= floor(item.start - _PADDING)
            and second not in unsure
            and self._footage(item, second, second + 1)
            for second in film.shown
        )

    def _held(self, file: File) -> set[int]:
        """Return the seconds that were asked for when a clip was served."""
        held: set[int] = set()
        for path in self._server.journal.paths_of(file.sha256):
            if (clip := _CLIP.fullmatch(path)) is not None:
                held |= set(range(floor(float(clip[1])), ceil(float(clip[2]))))
        return held

    def _described(self, item: Item) -> str:
        return f"{item.path(self._zone)} (id {item.frigate_id or '-'})"

    def _wrong(self, item: Item, file: File, suffix: str) -> str | None:
        """Return what is wrong with a file of an item, None if nothing is."""
        expected = item.path(self._zone).removesuffix(item.tail)
        if item.kind is Kind.RECORDING:
            # Its labels are those that were known when its first file was named.
            expected = expected.removesuffix(item.label)
        # Film that left with the first sign has a name of its own.
        has_own_name = suffix.startswith("live") and (
            f"{item.tail.rpartition('.')[0]}-" not in file.path
        )
        if not (
            item.kind is Kind.LIVE_SNAPSHOT
            or has_own_name
            or file.path.startswith(expected)
        ):
            return f"should begin with {expected}"
        match item.kind:
            case Kind.LIVE_SNAPSHOT:
                if file.sha256 != hashlib.sha256(item.image).hexdigest():
                    return "not the image that Frigate published"
            case Kind.SNAPSHOT:
                path = f"/api/events/{item.frigate_id}/snapshot.jpg"
                if path not in self._server.journal.paths_of(file.sha256):
                    return "not the image that Frigate served"
            case Kind.RECORDING:
                return self._wrong_recording(item, file, suffix)
        return None

    def _wrong_recording(self, item: Item, file: File, suffix: str) -> str | None:
        served = self._server.journal.paths_of(file.sha256)
        if suffix.startswith("live") and file.path.endswith(".jpg"):
            still = f"/api/{item.camera}/latest.jpg"
            is_served = any(path.startswith(still) for path in served)
            return None if is_served else "no picture that Frigate served"
        if suffix.startswith("live"):
            return "can't be played" if file.seconds is None else None
        if not any(path.startswith(f"/api/{item.camera}/start/") for path in served):
            return "no clip that Frigate served"
        if file.seconds is None:
            return "can't be played"
        if suffix or item.end is None:
            return None
        # What follows on the end may not have been there yet.
        begin = floor(item.start - _PADDING)
        expected = self._footage(item, begin, ceil(item.end))
        if file.seconds < expected - max(_SHORT, 0.02 * expected):
            return f"has {file.seconds:.0f} s of {expected:.0f} s"
        return None

    def _footage(self, item: Item, start: int, end: int) -> int:
        """Return how many seconds of the range any clip has had, up to now."""
        pieces = self._frigate.clip(item.camera, start, end)
        doubtful = self._frigate.cameras[item.camera].footage.doubtful
        return sum(
            max(0, min(piece.end, end) - max(piece.start, start)) for piece in pieces
        ) - sum(
            max(0, ceil(min(stop, end)) - floor(max(begin, start)))
            for begin, stop in doubtful
        )


def _review_behind(
    name: re.Match[str], items: Mapping[tuple[str, str, str], Item]
) -> tuple[str, str, str] | None:
    """Return the review of a film that left with the first sign, before that was known."""
    if not _is_live(name):
        return None
    sign = datetime.strptime(name["time"], "%Y-%m-%d_%H-%M-%S%z").timestamp()
    found = {
        key: item.start
        for key, item in items.items()
        if key[:2] == (Kind.RECORDING.value, name["camera"])
        and -_SIGN <= item.start - sign <= _SIGN
    }
    return min(found, key=lambda key: abs(found[key] - sign), default=None)


def _is_live(name: re.Match[str]) -> bool:
    return (name["suffix"] or "").startswith("live")


def _film(file: File, suffix: str) -> str:
    """Return what all pieces of a film have in common, and no other file has."""
    return file.path.partition(f"-{suffix}")[0] + suffix[:6] if suffix else file.path


def _is_early(suffix: str) -> bool:
    """Tell whether a file leaves while its review is active, and has to go later."""
    return suffix.startswith(("part", "live"))


def _key(item: Item) -> tuple[str, str, str]:
    return item.kind.value, item.camera, item.tail[1:].rsplit(".", 1)[0]


def totals(verdicts: Mapping[str, Verdict], name: str) -> list[str]:
    """Return all lines of that name, with the destination before each."""
    return [
        f"{destination}: {line}"
        for destination, verdict in verdicts.items()
        for line in getattr(verdict, name)
    ]
