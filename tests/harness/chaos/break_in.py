"""A break-in: the recorder is taken in the middle of it. How much is elsewhere?"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
import re

from ..frigate import Review, Story
from ..home_assistant import INTEGRATION
from .folder import File, Folder
from .stage import CAMERAS, NEAR, Stage, open_stage

PART_LENGTH = 15
SECONDS = (30, 60, 120)
"""How long the break-ins have lasted when the recorder is taken."""

_ALLOWED = 45
"""Seconds that may be missing at the end."""
_OLDEST = 3
"""How old the newest picture may be in a film that left live, with a machine that is busy
with all of it: `tests/real/test_thief.py` says what it is on a line."""
_UNDER_WAY = 10
"""Seconds in which what Home Assistant has fetched already may still arrive."""
_PART = re.compile(r".*-part\d{3}\.mp4")
_LIVE = re.compile(r".*-live\d\d\.mp4")
_PADDING = 5
_CLIP = re.compile(r"/api/([^/]+)/start/([0-9.]+)/end/([0-9.]+)/clip\.mp4")


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakIn:
    """A break-in of so many seconds, and what the SFTP server has of it."""

    seconds: int
    parts: int
    playable: float
    """Seconds of all parts together, the padding before the review included."""
    shown: float
    """Seconds of the break-in itself that can be seen in them."""
    missing: float
    """Seconds of it behind the newest picture."""

    @property
    def wanted(self) -> int:
        """The least that must be shown."""
        return max(0, self.seconds - _ALLOWED)

    @property
    def is_good(self) -> bool:
        """Tell whether there is enough of it."""
        return self.parts > 0 and self.shown >= self.wanted and self.missing <= _OLDEST

    def line(self) -> str:
        """Return a line of the report."""
        return (
            f"Frigate killed {self.seconds:3} s into a break-in: "
            f"{self.playable:5.1f} s playable in {self.parts} part(s), "
            f"{self.shown:5.1f} s of them of the break-in (wanted: {self.wanted}), "
            f"the newest picture {self.missing:4.1f} s old"
        )


async def run_break_ins(
    folder: Path,
    *,
    seconds: Sequence[int] = SECONDS,
    say: Callable[[str], None],
    integration: Path = INTEGRATION,
) -> list[BreakIn]:
    """Let break-ins begin so many seconds before Frigate is killed, one a camera."""
    cameras = dict(zip(seconds, CAMERAS, strict=False))
    options = {"part_length": PART_LENGTH}
    async with open_stage(
        folder, seed=0, version="0.17.2", options=options, integration=integration
    ) as stage:
        story = Story(stage.frigate)
        loop = asyncio.get_running_loop()
        began, longest = loop.time(), max(seconds)
        say(f"The recorder will be taken in {longest} s")
        visits = {}
        for length in sorted(seconds, reverse=True):
            await asyncio.sleep(began + longest - length - loop.time())
            visits[length] = story.visit(cameras[length], "person", 2 * longest)
        await asyncio.sleep(began + longest - loop.time())
        stage.frigate.kill()
        await story.stop()
        await stage.link.cut()
        taken = stage.frigate.clock()
        await stage.server.stop()
        say("Frigate was killed")
        await asyncio.sleep(_UNDER_WAY)
        files = await asyncio.to_thread(Folder(stage.folders[NEAR]).files)
        return [
            _break_in(stage, length, visits[length].review, files, taken)
            for length in seconds
        ]


def _break_in(
    stage: Stage, seconds: int, review: Review | None, files: list[File], taken: float
) -> BreakIn:
    if review is None:
        raise RuntimeError("The break-in made no review")
    tail = review.id.rsplit("-", 1)[-1]
    # Film may have left with the first sign, under a name of its own.
    parts = [
        file
        for file in files
        if f"-{tail}-" in file.path
        or (f"-{review.camera}-" in file.path and _LIVE.match(file.path))
    ]
    newest = max((file.newest for file in parts if file.newest), default=review.start)
    return BreakIn(
        seconds=seconds,
        parts=len(parts),
        playable=sum(file.seconds or 0 for file in parts),
        missing=taken - newest,
        shown=max(
            sum(_shown(stage, review, parts)),
            # Its film begins before it, by as much as is chosen, or with the tap.
            *(
                min((file.seconds or 0) - _PADDING, seconds)
                for file in parts
                if _LIVE.match(file.path)
            ),
        ),
    )


def _shown(stage: Stage, review: Review, parts: list[File]) -> Iterator[float]:
    """Yield the seconds of each part that lie in the review, as far as it plays."""
    for file in parts:
        for path in stage.server.journal.paths_of(file.sha256):
            clip = _CLIP.fullmatch(path)
            if clip is None or clip[1] != review.camera or not _PART.match(file.path):
                continue
            start, end = float(clip[2]), float(clip[3])
            # It may begin a moment early, at a keyframe.
            end = min(end, start + (file.seconds or 0))
            yield max(0.0, end - max(start, review.start))
            break
