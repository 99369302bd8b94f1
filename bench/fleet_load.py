"""What homes send in the section on many of them, and what came of it, as figures."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

from tests.harness.s3_homes import Stored

from .transfers import MIB

LIVE, OBJECT, RECORDING = "live_snapshot", "snapshot", "recording"
"""Media, as the engine's reports name them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetSize:
    """How many homes there are, and how much each of them sends.

    First each sends `calm` live snapshots, one in `pause` seconds; then all it has at
    once. Sizes are in bytes.
    """

    homes: int
    processes: int
    calm: int
    pause: float
    live: int
    objects: int
    recordings: int
    image: int = 100_000
    clip: int = 4 * MIB

    @property
    def burst(self) -> int:
        """Return the files that a home sends at once."""
        return self.live + self.objects + self.recordings

    @property
    def published(self) -> int:
        """Return the files of all homes."""
        return self.homes * (self.calm + self.burst)

    def names(self, process: int) -> list[str]:
        """Return the homes of a process, of which there are as many in each, or one more."""
        return [f"home-{n:03}" for n in range(process, self.homes, self.processes)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What a process of homes has published, and how it went; times are in seconds.

    `live` are the MD5s of the live snapshots by home; `waits` are the times from the
    message until the copy was verified, by media, those of the calm phase under `calm`;
    `requests` count what was sent to the bucket, by method; `at_rest` and `peak` are
    bytes by which the process grew, `cpu` the seconds of the burst.
    """

    live: Mapping[str, Sequence[str]]
    waits: Mapping[str, Sequence[float]]
    failed: Sequence[str]
    requests: Mapping[str, int]
    begin: float
    end: float
    cpu: float
    at_rest: int
    peak: int

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` takes."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Return what another process has reported."""
        return cls(**data)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What the bucket has, beside what was published.

    `lost` were published and do not lie there; `extra` lie there twice, or are
    no item's. `files` and `size` are of what belongs to an item.
    """

    lost: int
    extra: int
    files: int
    size: int


def compare(
    objects: Iterable[Stored],
    live: Mapping[str, Sequence[str]],
    size: FleetSize,
    *,
    ignored: str,
) -> Comparison:
    """Compare the bucket's list with what homes have published.

    Live snapshots by their MD5; of the others, which Frigate made, the number and the
    least size, home by home. Objects whose name ends with `ignored` are the test's.
    """
    by_home: dict[str, list[Stored]] = {home: [] for home in live}
    lost = extra = files = total = 0
    for stored in objects:
        home, _, path = stored.key.partition("/")
        if path == ignored:
            continue
        if home not in by_home:
            extra += 1
            continue
        by_home[home].append(stored)
        files += 1
        total += stored.size
    for home, found in by_home.items():
        pictures = [s for s in found if f"-{LIVE.replace('_', '-')}-" in s.key]
        etags = [s.etag for s in pictures]
        lost += len(set(live[home]) - set(etags))
        extra += len(etags) - len(set(etags) & set(live[home]))
        rest = [s for s in found if s not in pictures]
        clips = [s for s in rest if s.key.endswith(".mp4")]
        whole = [s for s in clips if s.size >= size.clip]
        others = len(rest) - len(clips)
        for there, wanted in ((len(whole), size.recordings), (others, size.objects)):
            lost += max(wanted - there, 0)
            extra += max(there - wanted, 0)
        extra += len(clips) - len(whole)
    return Comparison(lost=lost, extra=extra, files=files, size=total)


def joined(reports: Sequence[Sent], what: str) -> list[float]:
    """Return the waits of all processes."""
    return [wait for report in reports for wait in report.waits.get(what, ())]
