"""The files of a folder, and what of them can be played."""

from contextlib import suppress
from dataclasses import dataclass
import hashlib
from math import floor
from pathlib import Path

from custom_components.frigate_snap_sync.frigate.errors import MediaBroken
from custom_components.frigate_snap_sync.frigate.live_mp4 import look_at
from custom_components.frigate_snap_sync.frigate.media import check_mp4

from ..frigate import live


@dataclass(frozen=True, slots=True)
class File:
    """A file at a destination."""

    path: str
    sha256: str
    seconds: float | None
    """What of a recording can be played; None for what is none, or can't be."""
    shown: frozenset[int] = frozenset()
    """The seconds that a film shows which left live, by Frigate's clock."""
    newest: float | None = None
    """The moment of its newest picture."""


class Folder:
    """A destination's files; each is read once as long as it does not change."""

    def __init__(self, folder: Path) -> None:
        """Look into this folder."""
        self._folder = folder
        self._known: dict[Path, tuple[tuple[int, int, int], File]] = {}

    def files(self) -> list[File]:
        """Return all files below it (blocking)."""
        found: dict[Path, tuple[tuple[int, int, int], File]] = {}
        for path in sorted(self._folder.rglob("*")):
            try:
                state = path.stat()
                if not path.is_file():
                    continue
                mark = (state.st_ino, state.st_size, state.st_mtime_ns)
                known = self._known.get(path)
                if known is None or known[0] != mark:
                    known = (mark, self._read(path))
                found[path] = known
            except FileNotFoundError:
                continue  # renamed or removed at this moment
        self._known = found
        return [file for _, file in found.values()]

    def _read(self, path: Path) -> File:
        seconds, moments = None, list[float]()
        data = path.read_bytes()
        if path.suffix == ".mp4":
            with suppress(MediaBroken):
                seconds = _seconds(path)
        if seconds and "-live" in path.name:
            moments = live.moments(data)
        return File(
            path.relative_to(self._folder).as_posix(),
            hashlib.sha256(data).hexdigest(),
            seconds,
            frozenset(floor(moment) for moment in moments),
            max(moments, default=None),
        )


def _seconds(path: Path) -> float:
    """Return how much of a film plays; one that left live may end anywhere."""
    if "-live" not in path.name:
        return check_mp4(path).duration
    with path.open("rb") as film:
        return look_at(film).duration
