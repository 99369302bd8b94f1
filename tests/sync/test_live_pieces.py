"""Pieces of a film where none may be replaced, and keyframes are far apart."""

from types import SimpleNamespace
from typing import cast, override

import pytest

from custom_components.frigate_snap_sync.storage.base import (
    Capabilities,
    Source,
    StoredFile,
)
from custom_components.frigate_snap_sync.sync.ledger.live_files import LiveFile
from custom_components.frigate_snap_sync.sync.live.film import Batch, Chunk
from custom_components.frigate_snap_sync.sync.live.numbered import (
    PieceWriter,
    StillWriter,
)
from custom_components.frigate_snap_sync.sync.live.target import LiveTarget
from custom_components.frigate_snap_sync.sync.model.limits import Limits
from custom_components.frigate_snap_sync.sync.model.spans import NONE, Spans

from .fakes import FakeDestination

GOP = 100
"""Pictures from a keyframe to the next: ten seconds."""
SIZE = 10
INIT = b"beginning"


class Line(FakeDestination):
    """A destination behind a line that carries `rate` times the film, by its own clock."""

    def __init__(self, rate: float, *, can_delete: bool) -> None:
        """Have sent nothing."""
        super().__init__()
        self.can = Capabilities(can_delete=can_delete, can_read=False)
        self.now = 0.0
        self.sent: list[list[int]] = []
        """The numbers of the pictures of each piece."""
        self._rate = rate

    def clock(self) -> float:
        """Return the time."""
        return self.now

    @override
    async def put_at_once(
        self, path: str, source: Source, *, temporary: str
    ) -> StoredFile:
        stored = await super().put_at_once(path, source, temporary=temporary)
        data = self.files[path].removeprefix(INIT)
        self.now += len(data) / SIZE / 10 / self._rate
        self.sent.append(
            [int(data[at : at + SIZE]) for at in range(0, len(data), SIZE)]
        )
        return stored


class Target:
    """Where film goes, with neither ledger nor worker behind it."""

    is_allowed = True
    worker = SimpleNamespace(form=None)

    def __init__(self, destination: Line) -> None:
        """Send there."""
        self.destination = destination
        self.services = SimpleNamespace(limits=Limits())
        self.size = 0
        self.held: Spans = NONE

    def count(self, size: int) -> None:
        """Count nothing."""

    async def begin(self, first: Chunk, **_: object) -> LiveFile:
        """Return a name."""
        return cast(LiveFile, SimpleNamespace(id=1, path="live01.mp4"))

    async def own(self, file: LiveFile) -> None:
        """Keep nothing."""

    async def reserve(self, file: LiveFile, pieces: int) -> None:
        """Keep nothing."""

    async def end(self, file: LiveFile, *, held: Spans, size: int, **_: object) -> None:
        """Keep what lies there."""
        self.size, self.held = size, held


def picture(number: int) -> Chunk:
    """Return one of ten pictures a second."""
    return Chunk(
        number=number,
        take=1,
        init=INIT,
        data=f"{number:0{SIZE}}".encode(),
        is_keyframe=(number - 1) % GOP == 0,
        arrived=number / 10,
        moment=number / 10,
        seconds=number / 10,
    )


async def send(target: Target, pictures: int) -> None:
    """Let so many pictures leave, and the film end."""
    writer = PieceWriter(
        cast(LiveTarget, target), seconds=2, clock=target.destination.clock
    )
    await writer.begin(picture(1))
    for number in range(1, pictures + 1):
        await writer.send(Batch(chunks=(picture(number),)))
    await writer.end()


@pytest.mark.parametrize(
    ("rate", "most"),
    [(1.1, 1), (1.5, 1), (2.9, 1), (4, 1.4), (7, 2), (20, 3)],
)
async def test_what_plays_alone_must_not_make_the_film_late(
    rate: float, most: float
) -> None:
    """All leaves; more than once only where the line has enough to spare for it."""
    line = Line(rate, can_delete=False)
    target = Target(line)
    await send(target, 3 * GOP)
    pieces = line.sent
    assert {number for each in pieces for number in each} == set(range(1, 3 * GOP + 1))
    assert sum(map(len, pieces)) <= most * 3 * GOP
    if rate == 20:
        assert all((each[0] - 1) % GOP == 0 for each in pieces)
    # Others come at most so late as pieces may (`patience`, and what is late at once).
    assert max(map(len, pieces)) / 10 / rate < 3.5


@pytest.mark.parametrize("can_delete", [False, True])
async def test_what_lies_there_is_counted(can_delete: bool) -> None:
    """In each piece the film's beginning and what it shows, be it shown twice."""
    line = Line(100, can_delete=can_delete)
    target = Target(line)
    await send(target, GOP + 5)
    assert len(line.sent) > len(line.files) or not can_delete
    assert target.size == sum(map(len, line.files.values()))


async def test_stills_show_no_time_in_which_none_came() -> None:
    """Frigate was away: it has no recording that could replace them otherwise."""
    target = Target(Line(1, can_delete=True))
    writer = StillWriter(cast(LiveTarget, target))
    seconds = (0, 1, 3, 60, 61, 63.5)
    stills = [picture(round(10 * second)) for second in seconds]
    await writer.begin(stills[0])
    for still in stills:
        await writer.send(Batch(chunks=(still,)))
    await writer.end()
    assert target.held == ((0, 3), (60, 61), (63.5, 64.5))
