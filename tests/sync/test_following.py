"""A file leaves while Frigate still gives it, and gets its name when it is whole."""

import asyncio
from contextlib import suppress
from dataclasses import replace
import hashlib
from pathlib import Path
import struct
from typing import override

import pytest

from custom_components.frigate_snap_sync.frigate.errors import (
    FrigateUnreachable,
    MediaBroken,
)
from custom_components.frigate_snap_sync.storage.base import (
    Capabilities,
    Destination,
    Source,
    StoredFile,
)
from custom_components.frigate_snap_sync.storage.errors import Rejected, Unreachable
from custom_components.frigate_snap_sync.storage.local.destination import (
    LocalDestination,
    find_mount_point,
)
from custom_components.frigate_snap_sync.storage.read_back import Content
from custom_components.frigate_snap_sync.storage.source import open_source
from custom_components.frigate_snap_sync.storage.wrappers.append_only import AppendOnly
from custom_components.frigate_snap_sync.storage.wrappers.verified import Verified
from custom_components.frigate_snap_sync.sync.ledger import LedgerError, outcomes
from custom_components.frigate_snap_sync.sync.model.limits import Limits
from custom_components.frigate_snap_sync.sync.spool.running_downloads import (
    DownloadGivenUp,
    DownloadSource,
    RunningDownload,
)

from .conftest import FAST, Bench, setup, until
from .fakes import CLIP, FakeDestination, Write
from .test_pace import ended

_MIB = 1 << 20
_FTYP = struct.unpack(">I", CLIP[:4])[0]
_FREE = struct.pack(">I4s", 4 * _MIB, b"free") + bytes(4 * _MIB - 8)
BIG = CLIP[:_FTYP] + _FREE + CLIP[_FTYP:]
"""A clip of some megabytes, which plays like the recorded one."""
LENGTH = 40


class Gates:
    """Lets clips come up to their last bytes, and those when a test lets them."""

    def __init__(self, bench: Bench) -> None:
        """Take the place of the usual clips."""
        self.open = asyncio.Event()
        self.failure: Exception | None = None
        self.began: list[int] = []
        bench.frigate.film = self.write
        bench.limits = Limits(followed_clip=_MIB)

    async def write(self, seconds: float, write: Write) -> int:
        """Write a clip."""
        self.began.append(int(seconds))
        data = BIG if int(seconds) == LENGTH else CLIP
        for start in range(0, len(data) - 1000, _MIB):
            await write(data[start : min(start + _MIB, len(data) - 1000)])
        if int(seconds) == LENGTH:
            await self.open.wait()
            if self.failure is not None:
                failure, self.failure = self.failure, None
                raise failure
        await write(data[-1000:])
        return len(data)


@pytest.fixture(name="gates")
def fixture_gates(bench: Bench) -> Gates:
    """Return the gates that clips come through."""
    return Gates(bench)


async def local(folder: Path) -> LocalDestination:
    """Return a folder as a destination."""
    folder.mkdir()
    return LocalDestination(
        folder,
        mount_point=await find_mount_point(folder),
        is_allowed=lambda _path: True,
    )


def there(folder: Path) -> dict[str, int]:
    """Return the sizes of the files in a folder, by their endings."""
    sizes = {}
    for path in folder.rglob("*"):
        # It may be renamed just now.
        with suppress(FileNotFoundError):
            if path.suffix in (".tmp", ".mp4"):
                sizes[path.suffix] = path.stat().st_size
    return sizes


async def following(folder: Path) -> None:
    """Wait until most of the clip lies there, under its temporary name."""
    await until(lambda: there(folder).get(".tmp", 0) >= 4 * _MIB)


@pytest.mark.parametrize("kind", ["plain", "verified"])
async def test_it_lies_there_before_the_download_ends(
    bench: Bench, gates: Gates, tmp_path: Path, kind: str
) -> None:
    """Under its temporary name; then it is proven as ever, and downloaded once."""
    folder = tmp_path / "nas"
    nas: Destination = await local(folder)
    if kind == "verified":
        nas = Verified(nas)
    await bench.start(setup(nas))
    ended(bench, LENGTH)
    await following(folder)
    assert list(there(folder)) == [".tmp"]
    gates.open.set()
    await until(lambda: list(there(folder)) == [".mp4"])
    assert await bench.settled() == {"verified": 1}
    (path,) = folder.rglob("*.mp4")
    assert path.read_bytes() == BIG
    assert gates.began == [LENGTH]
    await until(lambda: not bench.spooled())
    (upload,) = await bench.uploads()
    assert upload.size == len(BIG)


async def test_one_download_for_all_who_follow(
    bench: Bench, gates: Gates, tmp_path: Path
) -> None:
    """And for who can't: a server that must know the size at first gets it after."""
    folders = [tmp_path / "one", tmp_path / "two"]
    one, two, cloud = (
        await local(folders[0]),
        await local(folders[1]),
        FakeDestination(),
    )
    await bench.start(
        setup(one, name="one"), setup(two, name="two"), setup(cloud, name="cloud")
    )
    ended(bench, LENGTH)
    for folder in folders:
        await following(folder)
    assert not cloud.files
    gates.open.set()
    assert await bench.settled() == {"verified": 3}
    assert list(cloud.media.values()) == [BIG]
    assert gates.began == [LENGTH]


@pytest.mark.parametrize("kind", ["append_only", "metered"])
async def test_where_a_failure_costs_something_it_is_sent_whole(
    bench: Bench, gates: Gates, tmp_path: Path, kind: str
) -> None:
    """What was sent of a download that fails can't be removed there, or is paid for."""
    folder, other = tmp_path / "nas", tmp_path / "other"
    nas: Destination = await local(folder)
    place = setup(AppendOnly(nas) if kind == "append_only" else nas)
    if kind == "metered":
        place = replace(place, volume_budget=1 << 40)
    await bench.start(place, setup(await local(other), name="other"))
    ended(bench, LENGTH)
    await following(other)
    assert not there(folder)
    gates.open.set()
    assert await bench.settled() == {"verified": 2}


async def test_what_was_broken_is_sent_whole_the_next_time(
    bench: Bench, gates: Gates, tmp_path: Path
) -> None:
    """It may be broken again."""
    nas = Choosy(refused=0)
    await bench.start(setup(nas))
    gates.failure = MediaBroken("It is broken")
    ended(bench, LENGTH)
    await until(lambda: bool(nas.sent))
    gates.open.set()
    assert await bench.settled() == {"verified": 1}
    assert gates.began == [LENGTH, LENGTH]
    assert nas.sent == ["DownloadSource", "FileSource"]


@pytest.mark.parametrize(
    "failure", [FrigateUnreachable("It went away"), MediaBroken("It is broken")]
)
async def test_a_download_that_fails_leaves_nothing(
    bench: Bench, gates: Gates, tmp_path: Path, failure: Exception
) -> None:
    """It is no fault of the destination; the next download is sent as a whole."""
    folder = tmp_path / "nas"
    bench.timing = replace(FAST, jitter=lambda low, high: 1.0)
    await bench.start(setup(await local(folder)))
    ended(bench, LENGTH)
    await following(folder)
    gates.failure = failure
    gates.open.set()
    await until(lambda: not there(folder))
    assert len(gates.began) == 1
    assert await bench.settled() == {"verified": 1}
    assert there(folder) == {".mp4": len(BIG)}
    for status in (*bench.statuses, bench.status):
        assert status.destinations["nas"].last_error is None


async def test_a_clip_that_is_not_whole_is_not_kept(
    bench: Bench, gates: Gates, tmp_path: Path
) -> None:
    """All of it lies there already when it turns out to lack its end."""
    folder = tmp_path / "nas"
    await bench.start(setup(await local(folder)))

    async def write(seconds: float, write: Write) -> int:
        gates.began.append(int(seconds))
        data = BIG[: -len(CLIP) // 2] if len(gates.began) == 1 else BIG
        await write(data)
        if len(gates.began) == 1:
            await gates.open.wait()
        return len(data)

    bench.frigate.film = write
    ended(bench, LENGTH)
    await following(folder)
    gates.open.set()
    assert await bench.settled() == {"verified": 1}
    (path,) = folder.rglob("*.mp4")
    assert path.read_bytes() == BIG
    assert len(gates.began) == 2
    assert list(there(folder)) == [".mp4"]


class Choosy(FakeDestination):
    """Takes what grows; refuses the first few files."""

    def __init__(self, *, refused: int) -> None:
        """Begin with nothing."""
        super().__init__()
        self.can = Capabilities(unsized_from=0)
        self.sent: list[str] = []
        self.refused = refused

    @override
    async def put(self, path: str, source: Source, *, temporary: str) -> StoredFile:
        self.sent.append(type(source).__name__)
        if len(self.sent) <= self.refused:
            raise Rejected("Not this one")
        return await super().put(path, source, temporary=temporary)


async def test_what_is_ready_does_not_wait_for_a_download(
    bench: Bench, gates: Gates
) -> None:
    """Who follows a download that stands still gives way to others."""
    nas = Choosy(refused=1)
    bench.timing = replace(
        FAST, follow_patience=0.05, first_retry=0.5, jitter=lambda low, high: high
    )
    await bench.start(setup(nas))
    ended(bench, LENGTH + 1)
    await until(lambda: len(nas.sent) == 1)
    ended(bench, LENGTH)
    await until(lambda: len(nas.history) == 1)
    assert nas.sent == ["FileSource", "DownloadSource", "FileSource"]
    assert list(nas.media.values()) == [CLIP]
    gates.open.set()
    assert await bench.settled() == {"verified": 2}
    assert nas.sent[3:] == ["FileSource"]
    assert gates.began == [LENGTH + 1, LENGTH]


class Cut(FakeDestination):
    """Takes what grows; its line breaks while it waits for more."""

    def __init__(self) -> None:
        """Begin whole."""
        super().__init__()
        self.can = Capabilities(unsized_from=0)
        self.puts = 0
        self.broken = asyncio.Event()

    @override
    async def put(self, path: str, source: Source, *, temporary: str) -> StoredFile:
        self.puts += 1
        if self.puts > 1:
            return await super().put(path, source, temporary=temporary)
        async with open_source(source) as file:
            assert await file.read()
            self.files[temporary] = b"half of it"
            await self.broken.wait()
        raise Unreachable("The line was cut")


async def test_a_line_that_is_cut_while_it_follows(bench: Bench, gates: Gates) -> None:
    """The file is sent again; what the try has left is removed."""
    nas = Cut()
    bench.timing = replace(FAST, jitter=lambda low, high: 0.02)
    await bench.start(setup(nas))
    ended(bench, LENGTH)
    await until(lambda: bool(nas.files))
    (left,) = nas.files
    nas.broken.set()
    await until(lambda: bool(bench.status.destinations["nas"].last_error))
    gates.open.set()
    assert await bench.settled() == {"verified": 1}
    assert left in nas.deleted
    assert list(nas.files.values()) == [BIG]


async def test_a_start_after_a_crash_finds_what_had_arrived(
    bench: Bench, gates: Gates
) -> None:
    """Its name was given, but not noted: it is not sent again."""

    def fail(*_: object, **__: object) -> None:
        raise LedgerError("The disk is gone")

    nas = Choosy(refused=0)
    await bench.start(setup(nas))
    ended(bench, LENGTH)
    await until(lambda: bool(nas.sent))
    bench.faults.jobs[outcomes.verified] = fail
    gates.open.set()
    await until(lambda: bool(nas.media))
    await bench.stop()
    bench.faults.jobs.clear()
    await bench.start(setup(nas))
    assert await bench.settled() == {"verified": 1}
    assert nas.sent == ["DownloadSource"]


async def test_a_stop_leaves_nothing_behind(
    bench: Bench, gates: Gates, tmp_path: Path
) -> None:
    """The file is fetched and sent after the next start."""
    folder = tmp_path / "nas"
    nas = await local(folder)
    await bench.start(setup(nas))
    ended(bench, LENGTH)
    await following(folder)
    await bench.stop()
    assert not there(folder)
    gates.open.set()
    await bench.start(setup(nas))
    assert await bench.settled() == {"verified": 1}
    assert list(there(folder)) == [".mp4"]


class Scene:
    """A download, and a source that follows it."""

    def __init__(self, folder: Path, data: bytes) -> None:
        """Begin with no byte."""
        self.path = folder / "clip.mp4.tmp"
        self.path.write_bytes(b"")
        self.data = data
        self.waiting = False
        self.asked = 0
        self.download = RunningDownload(self.path)
        self.source = DownloadSource(
            self.download, "nas", patience=0.05, others_wait=self._others_wait
        )

    async def _others_wait(self) -> bool:
        self.asked += 1
        return self.waiting

    def grow(self, size: int) -> None:
        """Let so many bytes be there."""
        with self.path.open("ab") as file:
            file.write(self.data[self.download.size : size])
        self.download.grow(size)

    @property
    def content(self) -> Content:
        """Return what the whole file is."""
        return Content(
            size=len(self.data), sha256=hashlib.sha256(self.data).hexdigest()
        )

    async def read(self) -> bytes:
        """Return all of it."""
        return b"".join([piece async for piece in self.source.open()])


async def test_size_and_hash_are_known_at_the_end(tmp_path: Path) -> None:
    """Until then the size is what there is."""
    scene = Scene(tmp_path, bytes(range(256)) * 20)
    scene.grow(1000)
    assert (scene.source.size, scene.source.sha256) == (1000, None)
    reading = asyncio.create_task(scene.read())
    await until(lambda: scene.asked > 2)
    scene.grow(5120)
    scene.download.end(scene.content, ["nas"])
    assert await reading == scene.data
    assert scene.source.size == 5120
    assert scene.source.sha256 == scene.content.sha256


@pytest.mark.parametrize("what", ["lost", "other bytes", "shorter", "not for it"])
async def test_a_source_that_ends_badly(tmp_path: Path, what: str) -> None:
    """It says so instead of coming to an end: nothing gets its name then."""
    scene = Scene(tmp_path, b"x" * 5000)
    scene.grow(5000)
    content: Content | None = scene.content
    if what == "lost":
        content = None
    elif what == "other bytes":
        scene.path.write_bytes(b"y" * 5000)
    elif what == "shorter":
        scene.path.write_bytes(b"x" * 4000)
    scene.download.end(content, ["other" if what == "not for it" else "nas"])
    with pytest.raises(DownloadGivenUp):
        await scene.read()


async def test_a_source_gives_way(tmp_path: Path) -> None:
    """Once it has waited long enough for bytes, though they come now and then."""
    scene = Scene(tmp_path, b"x" * 5000)
    scene.grow(1)
    scene.waiting = True

    async def trickle() -> None:
        for size in range(2, 200):
            await asyncio.sleep(0.01)
            scene.grow(size)

    trickling = asyncio.create_task(trickle())
    with pytest.raises(DownloadGivenUp):
        await scene.read()
    assert not trickling.done()
    trickling.cancel()
