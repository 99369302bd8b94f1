"""What every destination promises, proven on each kind's real server."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Collection, Iterable, Sequence
from contextlib import aclosing
import hashlib
import os
from pathlib import Path
import string
import tracemalloc
from typing import override

import pytest

from custom_components.frigate_snap_sync.storage.base import (
    Destination,
    Source,
    StoredFile,
)
from custom_components.frigate_snap_sync.storage.check import (
    FIXED_PROBE,
    check_destination,
)
from custom_components.frigate_snap_sync.storage.errors import (
    InvalidPath,
    NoSpace,
    PermissionDenied,
    Rejected,
    SourceDamaged,
    SourceUnreadable,
    StorageError,
    Unreachable,
)
from custom_components.frigate_snap_sync.storage.growing import AlreadyThere
from custom_components.frigate_snap_sync.storage.layout import Branch, Layout
from custom_components.frigate_snap_sync.storage.read_back import Content, is_stored
from custom_components.frigate_snap_sync.storage.source import FileSource
from custom_components.frigate_snap_sync.storage.wrappers import wrapped

from ..waiting import promptly, until
from .conftest import MakeSource
from .places import PLACES as OTHER_PLACES, Place
from .webdav_places import WEBDAV_PLACES

MIB = 1024 * 1024
PLACES = (*OTHER_PLACES, *WEBDAV_PLACES)


def at(
    places: Iterable[type[Place]], *, small: Callable[[type[Place]], bool] | None = None
) -> pytest.MarkDecorator:
    """Run a test at a new place of each of these, of which some have little space."""
    places = list(places)
    return pytest.mark.parametrize(
        "place",
        [(place, small is not None and small(place)) for place in places],
        ids=[place.name for place in places],
        indirect=True,
    )


everywhere = at(PLACES)
everywhere_small = at(PLACES, small=lambda place: True)
everywhere_to_deny = at(PLACES, small=lambda place: place.is_small_to_deny)

# Windows shares refuse the rest of printable ASCII; the integration cleans it away.
LEGAL_ASCII = "".join(sorted(set(string.printable[:95]) - set('<>:"/\\|?*')))

NAMES = [
    "a",
    "2025-11-22/Snapshot-Front Door-2025-11-22_09-33-00+0100-person-abc123.jpg",
    LEGAL_ASCII.strip(),
    "-rf",
    "~user",
    "%41%2e%2e%2f",
    "Hühner/Küche é è ß/庭の猫 🐈‍⬛.jpg",
    "re\u0301sume\u0301 not composed",
    "right\u200fto\u200eleft",
    "x" * 200,
    "/".join(("ü" * 100, "y" * 200, "猫" * 66, "z" * 200, "w" * 200)),
    "/".join("abcdefghijklmnopqrstuvwxyz"),
]

ESCAPES = [
    "",
    "/etc/passwd",
    "..",
    "../outside",
    "a/../../outside",
    "a//b",
    "./a",
    "a/.",
    "a/",
    "a\0b",
    "a\ud800b",
]


def temporary(path: str) -> str:
    """Return a temporary name in the folder of a path."""
    folder, slash, name = path.rpartition("/")
    return f"{folder}{slash}.{name.encode()[:100].decode(errors='ignore')}.tmp"


async def put(destination: Destination, path: str, source: Source) -> StoredFile:
    """Put with a temporary name made of the final one."""
    return await destination.put(path, source, temporary=temporary(path))


async def read(destination: Destination, path: str) -> bytes:
    """Read a whole file back."""
    data = bytearray()
    async with aclosing(destination.open_read(path)) as pieces:
        async for piece in pieces:
            assert 0 < len(piece) <= MIB
            data += piece
    return bytes(data)


async def is_taken(destination: Destination, path: str, source: Source) -> bool:
    """Tell whether a file is taken now."""
    try:
        await put(destination, path, source)
    except NoSpace, Rejected:
        return False
    return True


async def cleaned(place: Place, expected: Collection[str]) -> None:
    """Wait for a server that removes what was broken off only after a while."""
    if not place.cleans_at_once:
        await until(lambda: place.paths() <= set(expected))


async def listed(destination: Destination, path: str = "") -> dict[str, int]:
    """Return the sizes of the listed files by path."""
    async with aclosing(destination.list_files(path)) as files:
        return {file.path: file.size async for file in files}


@everywhere
async def test_names(place: Place, make_source: MakeSource) -> None:
    """A name arrives as it is, in new folders, and is found under it again."""
    destination = place.destination
    for name in NAMES:
        path = name.translate(dict.fromkeys(map(ord, place.mangles), "_"))
        content = path.encode()
        stored = StoredFile(path=path, size=len(content))
        assert await put(destination, path, make_source(content=content)) == stored
        assert place.paths() == {path}
        assert place.content(path) == content
        assert await destination.stat(path) == stored
        assert await listed(destination) == {path: len(content)}
        assert await read(destination, path) == content
        await destination.delete(path)
        assert place.paths() == set()


@everywhere
async def test_append_only(
    place: Place, make_source: MakeSource, tmp_path: Path
) -> None:
    """Nothing that lies there is replaced or removed; tests leave a file in a folder."""
    kept = wrapped(place.destination, append_only=True)
    stored = StoredFile(path="a/b.jpg", size=5)
    assert await put(kept, "a/b.jpg", make_source(content=b"first")) == stored
    place.plant("a/c.jpg", b"of somebody else")
    for path in ("a/b.jpg", "a/c.jpg"):
        with pytest.raises(AlreadyThere):
            await put(kept, path, make_source(content=b"second"))
        with pytest.raises(PermissionDenied):
            await kept.delete(path)
        if kept.capabilities.uses_temporary:
            with pytest.raises(PermissionDenied):
                await kept.discard(path)
    with pytest.raises(PermissionDenied):
        await kept.remove_folder("a")
    assert place.content("a/b.jpg") == b"first"
    assert place.content("a/c.jpg") == b"of somebody else"
    layout = Layout(branches=(Branch(today="a"),))
    folders = ("probe/", "a/") if kept.capabilities.folders else ("",)
    probes = {f"{folder}{FIXED_PROBE}" for folder in folders}
    for _ in range(2):
        result = await check_destination(
            kept, workdir=tmp_path, name="probe", layout=layout
        )
        assert result.can_read
        assert not result.can_delete
        assert not result.left
        assert place.paths() == {"a/b.jpg", "a/c.jpg"} | probes


@at(place for place in PLACES if place.has_any_bytes_in_names)
async def test_names_of_others(place: Place) -> None:
    """A name that is no UTF-8 is listed in a form that can be given back."""
    path = os.fsdecode(b"caf\xe9/\xff.jpg")
    place.plant(path, b"123")
    assert await listed(place.destination) == {path: 3}
    assert await read(place.destination, path) == b"123"
    assert await place.destination.stat(path) == StoredFile(path=path, size=3)
    await place.destination.delete(path)
    assert place.paths() == set()


@everywhere
@pytest.mark.parametrize(
    "size", [0, 1, 32 * 1024, MIB, MIB + 1, 9 * MIB + 12345], ids=str
)
async def test_sizes(place: Place, make_source: MakeSource, size: int) -> None:
    """Every byte arrives and comes back, of an empty file and of a large one."""
    source = make_source(size)
    stored = await put(place.destination, "file.mp4", source)
    assert stored == StoredFile(path="file.mp4", size=size)
    assert place.content("file.mp4") == source.read_bytes()
    assert await read(place.destination, "file.mp4") == source.read_bytes()


@everywhere
async def test_replacing(place: Place, make_source: MakeSource) -> None:
    """A shorter file leaves nothing of a longer one, nor the other way round."""
    for size in (3 * MIB, 10, 2 * MIB, 0):
        source = make_source(size)
        await put(place.destination, "a/file", source)
        assert place.content("a/file") == source.read_bytes()
    assert place.paths() == {"a/file"}


@everywhere
async def test_stale_temporary(place: Place, make_source: MakeSource) -> None:
    """What a crash left under the temporary name is replaced, or can be deleted.

    Where nothing is written under one, such a file is someone else's, and stays.
    """
    uses_temporary = place.destination.capabilities.uses_temporary
    place.plant("a/.file.tmp", b"x" * 5000)
    await put(place.destination, "a/file", make_source(100))
    assert place.paths() == {"a/file"} | (set() if uses_temporary else {"a/.file.tmp"})
    await place.destination.delete("a/.file.tmp")
    assert place.paths() == {"a/file"}

    place.plant("a/.other.tmp", b"x" * 5000)
    await place.destination.delete("a/.other.tmp")
    assert place.paths() == {"a/file"}


@everywhere
async def test_many_at_once(place: Place, make_source: MakeSource) -> None:
    """Fifty files at once, into folders that none of them has found made."""
    sources = {f"{n % 7}/{n % 3}/{n}": make_source(1000 * n) for n in range(50)}
    sources["0/0/large"] = make_source(8 * MIB)
    await asyncio.gather(
        *(put(place.destination, path, source) for path, source in sources.items())
    )
    assert {path: place.content(path) for path in place.paths()} == {
        path: source.read_bytes() for path, source in sources.items()
    }


@everywhere
async def test_one_temporary_name_for_two(
    place: Place, make_source: MakeSource
) -> None:
    """Puts that share a temporary name, by mistake, don't mix their bytes."""
    sources = [make_source(2 * MIB + n) for n in range(4)]
    await asyncio.gather(
        *(
            place.destination.put(f"file{n}", source, temporary="same")
            for n, source in enumerate(sources)
        )
    )
    for n, source in enumerate(sources):
        assert place.content(f"file{n}") == source.read_bytes()


@everywhere
@pytest.mark.parametrize("existing", [None, b"the old one"])
async def test_connection_breaks(
    place: Place, make_source: MakeSource, existing: bytes | None
) -> None:
    """A break in mid-file leaves the final name as it was; the next try works."""
    if existing is not None:
        place.plant("a/file", existing)
    await place.destination.connect()
    source = make_source(10 * MIB)
    place.break_after(5 * MIB)

    with pytest.raises(Unreachable):
        await put(place.destination, "a/file", source)
    assert place.content("a/file") == existing

    await put(place.destination, "a/file", source)
    assert place.paths() == {"a/file"}
    assert place.content("a/file") == source.read_bytes()


@everywhere
async def test_connection_breaks_for_many(
    place: Place, make_source: MakeSource
) -> None:
    """Nothing hangs, and no final name is given to a part."""
    sources = {str(n): make_source(2 * MIB) for n in range(10)}
    await place.destination.connect()
    place.break_after(7 * MIB)

    results = await asyncio.gather(
        *(put(place.destination, path, source) for path, source in sources.items()),
        return_exceptions=True,
    )

    assert any(isinstance(result, Unreachable) for result in results)
    for (path, source), result in zip(sources.items(), results, strict=True):
        if isinstance(result, StoredFile):
            assert place.content(path) == source.read_bytes()
        else:
            assert isinstance(result, Unreachable)
            assert place.content(path) in (None, source.read_bytes())


@everywhere_small
async def test_no_space(place: Place, make_source: MakeSource) -> None:
    """A full disk is told as such, and the half of a file is removed."""
    expected: type[StorageError] = NoSpace if place.tells_causes else Unreachable
    kept = make_source(1 * MIB)
    await put(place.destination, "a/kept", kept)

    # Some servers don't say why, nor how much space there is.
    with pytest.raises(expected if place.says_full else (NoSpace, Rejected)):
        await put(place.destination, "a/large", make_source(12 * MIB))
    assert place.paths() == {"a/kept"}

    small = make_source(MIB)
    if not place.frees_at_once:
        await until(lambda: is_taken(place.destination, "a/small", small))
    await put(place.destination, "a/small", small)
    assert place.content("a/kept") == kept.read_bytes()
    assert place.paths() == {"a/kept", "a/small"}


@everywhere_to_deny
async def test_permission_denied(place: Place, make_source: MakeSource) -> None:
    """A refused write is told as such, in an old folder and for a new one."""
    expected: type[StorageError] = (
        PermissionDenied if place.tells_causes else Unreachable
    )
    await put(place.destination, "a/kept", make_source(10))
    await place.deny()
    for path in ("a/kept", "a/new", "b/new"):
        with pytest.raises(expected):
            await put(place.destination, path, make_source(10))
    with pytest.raises(expected):
        await place.destination.delete("a/kept")
    with pytest.raises(expected):
        await check_destination(place.destination, workdir=make_source(1).parent)
    assert place.paths() == {"a/kept"}


@everywhere
async def test_source_is_gone(place: Place, make_source: MakeSource) -> None:
    """A source that is gone is told as such, and nothing is made for it."""
    source = make_source()
    source.unlink()
    with pytest.raises(FileNotFoundError):
        await put(place.destination, "a/file", source)
    assert place.paths() == set()


@everywhere
async def test_source_is_no_file(place: Place, make_source: MakeSource) -> None:
    """A folder or a pipe as a source is refused, and waited for by nobody."""
    folder = make_source().parent
    os.mkfifo(folder / "pipe")
    for source in (folder, folder / "pipe"):
        with pytest.raises(Rejected):
            await put(place.destination, "a/file", FileSource(source, size=0))
    assert place.paths() == set()


@everywhere
async def test_paths_that_escape(
    place: Place, make_source: MakeSource, tmp_path: Path
) -> None:
    """No operation takes a path that is not plainly below the root."""
    destination = place.destination
    source = make_source()
    before = set(tmp_path.rglob("*"))
    for path in ESCAPES:
        with pytest.raises(InvalidPath):
            await destination.put(path, source, temporary=f"{path}.tmp")
        with pytest.raises(StorageError):
            await destination.put("fine", source, temporary=path)
        with pytest.raises(InvalidPath):
            await destination.stat(path)
        with pytest.raises(InvalidPath):
            await destination.delete(path)
        with pytest.raises(InvalidPath):
            await read(destination, path)
        if path:
            with pytest.raises(InvalidPath):
                await listed(destination, path)
    assert set(tmp_path.rglob("*")) == before


@everywhere
async def test_temporary_elsewhere(place: Place, make_source: MakeSource) -> None:
    """A temporary name in another folder, or the final one, is refused."""
    for temporary_name in ("b/file.tmp", "file.tmp", "a/file"):
        with pytest.raises(Rejected):
            await place.destination.put(
                "a/file", make_source(), temporary=temporary_name
            )
    assert place.paths() == set()


@everywhere
async def test_absent(place: Place, make_source: MakeSource) -> None:
    """What is not there has no size, is deleted with success, can't be read."""
    destination = place.destination
    for path in ("none", "no/folder/none"):
        assert await destination.stat(path) is None
        await destination.delete(path)
        with pytest.raises(FileNotFoundError):
            await read(destination, path)
    assert await listed(destination, "no/folder") == {}
    await put(destination, "file", make_source(1))
    assert await destination.stat("file/below") is None
    await destination.delete("file/below")
    assert await listed(destination, "file/below") == {}


@everywhere
async def test_a_folder_is_no_file(place: Place, make_source: MakeSource) -> None:
    """A folder is not found as a file, not deleted, and not replaced.

    Where there are no folders a file may have the name that others begin with.
    """
    destination = place.destination
    await put(destination, "folder/file", make_source(10))
    assert await destination.stat("folder") is None
    if not place.has_folders:
        await destination.delete("folder")
        await put(destination, "folder", make_source(10))
        assert place.paths() == {"folder", "folder/file"}
        assert await listed(destination, "folder") == {"folder/file": 10}
        return
    with pytest.raises(StorageError):
        await destination.delete("folder")
    with pytest.raises(StorageError):
        await put(destination, "folder", make_source(10))
    with pytest.raises(StorageError):
        await put(destination, "folder/file/file", make_source(10))
    assert place.paths() == {"folder/file"}


@everywhere
async def test_list(place: Place, make_source: MakeSource) -> None:
    """All files below a folder are listed, at any depth, and those of no other."""
    expected = {f"a/{n % 5}/{n}": n for n in range(300)}
    for path, size in expected.items():
        place.plant(path, b"x" * size)
    place.plant("ab/file", b"")
    place.plant("top", b"12")

    assert await listed(place.destination, "a") == expected
    assert await listed(place.destination, "a/3") == {
        path: size for path, size in expected.items() if path.startswith("a/3/")
    }
    assert await listed(place.destination) == expected | {"ab/file": 0, "top": 2}


@everywhere
async def test_left_early(place: Place, make_source: MakeSource) -> None:
    """Readers and listers may leave in the middle."""
    await put(place.destination, "large", make_source(5 * MIB))
    for _ in range(30):
        async with aclosing(place.destination.open_read("large")) as pieces:
            await anext(pieces)
        async with aclosing(place.destination.list_files()) as files:
            await anext(files)
    assert await place.destination.stat("large")


@everywhere
async def test_close_and_use_again(place: Place, make_source: MakeSource) -> None:
    """After close, even twice, everything works as before."""
    destination = place.destination
    await destination.close()
    await destination.connect()
    await destination.connect()
    await destination.close()
    await destination.close()
    await put(destination, "file", make_source(10))
    await destination.close()
    assert await listed(destination) == {"file": 10}


@everywhere
async def test_close_in_the_middle(place: Place, make_source: MakeSource) -> None:
    """What is under way when the destination is closed ends, soon and undone."""
    await place.destination.connect()
    puts = [
        asyncio.create_task(put(place.destination, str(n), make_source(8 * MIB)))
        for n in range(12)
    ]
    await until(lambda: place.has_begun)
    async with promptly():
        await place.destination.close()
        results = await asyncio.gather(*puts, return_exceptions=True)
    assert all(isinstance(result, Unreachable | StoredFile) for result in results)
    await place.destination.close()
    for n, result in enumerate(results):
        if isinstance(result, StoredFile):
            assert len(place.content(str(n)) or b"") == 8 * MIB
        else:  # The answer alone to its last byte, or to its name, may be lacking.
            assert len(place.content(str(n)) or b"") in (0, 8 * MIB)


@everywhere
@pytest.mark.parametrize("delay", [0, 0.01, 0.05, 0.1, 0.2])
async def test_cancel(place: Place, make_source: MakeSource, delay: float) -> None:
    """A cancelled put leaves no temporary file, soon, and no part of a file."""
    await place.destination.connect()
    task = asyncio.create_task(put(place.destination, "a/file", make_source(24 * MIB)))
    await asyncio.sleep(delay)
    task.cancel()
    async with promptly():
        results = await asyncio.gather(task, return_exceptions=True)

    await cleaned(place, {"a/file"})
    # In this order: what was sent whole may still come to its name.
    paths, content = place.paths(), place.content("a/file")
    assert isinstance(results[0], asyncio.CancelledError | StoredFile)
    assert content is None or len(content) == 24 * MIB
    assert paths in (set(), set() if content is None else {"a/file"})
    await put(place.destination, "a/file", make_source(10))
    await cleaned(place, {"a/file"})
    assert place.paths() == {"a/file"}


@everywhere
async def test_check(place: Place, make_source: MakeSource, tmp_path: Path) -> None:
    """The test of a destination passes and leaves nothing, there or here."""
    place.plant("kept", b"")
    await check_destination(place.destination, workdir=tmp_path / "work")
    assert place.paths() == {"kept"}
    assert list((tmp_path / "work").iterdir()) == []


@at(place for place in PLACES if not place.in_this_process)
async def test_memory_does_not_grow_with_a_file(
    place: Place, make_source: MakeSource
) -> None:
    """A file of any size passes in pieces, there and back."""
    size = 32 * MIB
    source = make_source(content=b"")
    os.truncate(source, size)
    await put(place.destination, "small", make_source(10))
    tracemalloc.start()
    try:
        await put(place.destination, "large", source)
        read = 0
        async with aclosing(place.destination.open_read("large")) as pieces:
            async for piece in pieces:
                read += len(piece)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert read == size
    assert peak < 16 * MIB


@everywhere
async def test_free_space(place: Place) -> None:
    """Free space is a number of bytes, or unknown."""
    free = await place.destination.free_space()
    assert free is None or free > MIB


@everywhere
@pytest.mark.parametrize("size", [0, 1000, 3 * MIB + 7], ids=str)
@pytest.mark.parametrize("existing", [None, b"an old copy"])
async def test_source_is_damaged(
    place: Place, make_source: MakeSource, size: int, existing: bytes | None
) -> None:
    """What is not what it should be gets no final name, and leaves nothing there."""
    if existing is not None:
        place.plant("a/file", existing)
    path = make_source(size)
    content = path.read_bytes()
    expected = FileSource(
        path.path, size=size, sha256=hashlib.sha256(content).hexdigest()
    )
    damaged = [content + b"x", b"x" * size]
    for bytes_ in [each for each in damaged if each != content]:
        path.write_bytes(bytes_)
        with pytest.raises(SourceDamaged):
            await place.destination.put("a/file", expected, temporary="a/part")
        await cleaned(place, {"a/file"})
        assert place.paths() <= {"a/file"}
        assert place.content("a/file") == existing
    path.write_bytes(content)
    stored = await place.destination.put("a/file", expected, temporary="a/part")
    assert stored == StoredFile(path="a/file", size=size)
    assert place.content("a/file") == content


@everywhere
async def test_source_is_damaged_while_it_is_read(
    place: Place, make_source: MakeSource
) -> None:
    """Also where that is seen with the last byte alone."""
    path = make_source(3 * MIB)
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    expected = FileSource(
        path.path, size=len(content), sha256=hashlib.sha256(content).hexdigest()
    )
    with pytest.raises(SourceDamaged):
        await place.destination.put("file", expected, temporary="part")
    await cleaned(place, ())
    assert place.paths() == set()


@everywhere
async def test_is_stored(place: Place) -> None:
    """A file is a copy if size and bytes are right; nothing is ever removed."""
    content = Content(size=5, sha256=hashlib.sha256(b"right").hexdigest())
    for planted, expected in (
        (b"right", True),
        (b"wrong", False),
        (b"righ", False),
        (b"rights", False),
    ):
        place.plant("file", planted)
        assert await is_stored(place.destination, "file", content) is expected
        assert place.content("file") == planted
    assert not await is_stored(place.destination, "none", content)


class Pieces(Source):
    """A source that no file has, such as one that a wrapper slows down."""

    name = "pieces"

    def __init__(self, *pieces: bytes, size: int | None = None) -> None:
        """Give these pieces, of which it is said that they have so many bytes."""
        self.pieces = pieces
        self.claimed = sum(map(len, pieces)) if size is None else size
        self.error: Exception | None = None
        self.opened = 0
        self.gate = asyncio.Event()
        self.gate.set()

    @property
    @override
    def size(self) -> int:
        return self.claimed

    @property
    @override
    def sha256(self) -> str | None:
        return None

    @override
    async def open(self) -> AsyncGenerator[bytes]:
        self.opened += 1
        for piece in self.pieces:
            yield piece
            await self.gate.wait()
        if self.error is not None:
            raise self.error


def begun(place: Place, sources: Sequence[Pieces]) -> int:
    """Return how many of the files are being sent to the empty place."""
    if place.destination.capabilities.uses_temporary and place.shows_unfinished:
        return len(place.paths())
    return sum(source.opened for source in sources)


@everywhere
async def test_temporary_names(place: Place) -> None:
    """A file lies under its temporary name until it is complete, or nowhere."""
    destination = place.destination
    slow = Pieces(b"1" * 1000, b"2" * 1000)
    slow.gate.clear()
    task = asyncio.create_task(put(destination, "a/file", slow))
    await until(lambda: begun(place, [slow]))
    is_seen = destination.capabilities.uses_temporary and place.shows_unfinished
    assert place.paths() == ({temporary("a/file")} if is_seen else set())
    slow.gate.set()
    await task
    assert place.paths() == {"a/file"}


@everywhere
async def test_as_many_at_once_as_it_says(place: Place) -> None:
    """Those that are too many wait, and arrive in the end."""
    destination = place.destination
    most = destination.capabilities.max_concurrent
    count = 12 if most is None else most + 3
    sources = [Pieces(b"1" * 1000, b"2" * 1000) for _ in range(count)]
    for source in sources:
        source.gate.clear()
    puts = [
        asyncio.create_task(put(destination, str(number), source))
        for number, source in enumerate(sources)
    ]
    expected = count if most is None else most
    await until(lambda: begun(place, sources) >= expected)
    await asyncio.sleep(0.1)
    assert begun(place, sources) == expected
    for source in sources:
        source.gate.set()
    await asyncio.gather(*puts)
    assert place.paths() == {str(number) for number in range(count)}


@everywhere
async def test_folders(place: Place, make_source: MakeSource) -> None:
    """They are made and removed one by one; one with something in it stays."""
    destination = place.destination
    has_folders = destination.capabilities.folders
    await destination.connect()
    for path in ("new", "new/below"):
        assert await destination.make_folder(path) is has_folders
        assert await destination.make_folder(path) is False
    assert await listed(destination) == {}
    assert await destination.stat("new") is None
    await put(destination, "new/below/file", make_source(10))
    if has_folders:
        with pytest.raises(StorageError):
            await destination.remove_folder("new/below")
    assert place.paths() == {"new/below/file"}
    await destination.delete("new/below/file")
    for path in ("new/below", "new"):
        await destination.remove_folder(path)
        await destination.remove_folder(path)
        assert await destination.make_folder(path.removeprefix("new/")) is has_folders
    assert place.paths() == set()


@everywhere
@pytest.mark.parametrize("theirs", ["theirs", ".hidden", "below/theirs"])
async def test_folders_with_foreign_files_stay(
    place: Place, make_source: MakeSource, theirs: str
) -> None:
    """Whatever others put into a folder of ours, at any depth, is not touched."""
    destination = place.destination
    has_folders = destination.capabilities.folders
    await put(destination, "old/ours", make_source(10))
    await destination.delete("old/ours")
    if place.lists_hidden:
        await destination.remove_folder("old")
        assert await destination.make_folder("old") is has_folders
    else:
        with pytest.raises(StorageError):
            await destination.remove_folder("old")
        assert await destination.make_folder("old") is False
    await put(destination, "new/ours", make_source(10))
    place.plant(f"new/{theirs}", b"theirs")
    await destination.delete("new/ours")
    for _ in range(2):
        if has_folders:
            with pytest.raises(StorageError):
                await destination.remove_folder("new")
        else:
            await destination.remove_folder("new")
        assert place.paths() == {f"new/{theirs}"}
        assert place.content(f"new/{theirs}") == b"theirs"


@everywhere
async def test_source_without_a_file(place: Place) -> None:
    """Its bytes arrive as those of a file do, and its failures leave nothing."""
    pieces = [os.urandom(size) for size in (1000, MIB, 7)]
    await put(place.destination, "a/file", Pieces(*pieces))
    assert place.content("a/file") == b"".join(pieces)
    await put(place.destination, "a/empty", Pieces())
    assert place.content("a/empty") == b""

    for error in (SourceDamaged("x"), SourceUnreadable("x")):
        broken = Pieces(*pieces)
        broken.error = error
        with pytest.raises(type(error)):
            await put(place.destination, "a/broken", broken)
    for size in (1, 2 * MIB):
        with pytest.raises(Rejected):
            await put(place.destination, "a/broken", Pieces(*pieces, size=size))
    await cleaned(place, {"a/file", "a/empty"})
    assert place.paths() == {"a/file", "a/empty"}


@everywhere
async def test_a_slow_source_is_left(place: Place) -> None:
    """Who waits for its next piece can be cancelled, and leaves nothing there."""
    slow = Pieces(os.urandom(1000), os.urandom(1000))
    slow.gate.clear()
    task = asyncio.create_task(put(place.destination, "a/file", slow))
    await until(lambda: begun(place, [slow]))
    task.cancel()
    async with promptly():
        await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()
    assert place.paths() == set()


async def test_md5_of_a_source(make_source: MakeSource) -> None:
    """Some servers compare it."""
    made = make_source(2 * MIB + 1)
    expected = hashlib.md5(made.read_bytes(), usedforsecurity=False).hexdigest()
    assert await made.md5() == expected
    made.unlink()
    with pytest.raises(FileNotFoundError):
        await made.md5()


@everywhere
@pytest.mark.parametrize("size", [0, 10, 3 * MIB + 7], ids=str)
async def test_reading_from_the_middle(
    place: Place, make_source: MakeSource, size: int
) -> None:
    """As the media browser does: a range, cut at the end of the file."""
    made = make_source(size)
    await put(place.destination, "file", made)
    content = made.read_bytes()
    for start in (0, 1, MIB - 1, 2 * MIB, size, size + 5):
        for length in (None, 0, 1, MIB + 1, 2 * size + 1):
            data = bytearray()
            async with aclosing(
                place.destination.open_read("file", start=start, length=length)
            ) as pieces:
                async for piece in pieces:
                    assert 0 < len(piece) <= MIB
                    data += piece
            end = size if length is None else start + length
            assert data == content[start:end], (start, length)
    with pytest.raises(FileNotFoundError):
        await anext(place.destination.open_read("none", start=1, length=1))


@everywhere
async def test_discarding(place: Place) -> None:
    """What a put had to leave goes by the name that it was given."""
    await place.destination.discard("a/.none.tmp")
    place.plant("a/kept", b"1")
    if not place.destination.capabilities.uses_temporary:
        with pytest.raises(InvalidPath):
            await place.destination.discard("../outside")
        return
    place.plant("a/.file.tmp", b"half")

    async def is_seen() -> bool:
        return await place.destination.stat("a/.file.tmp") is not None

    await until(is_seen)  # Some servers remember for a moment what a folder held.
    await place.destination.discard("a/.file.tmp")
    assert place.paths() == {"a/kept"}
    with pytest.raises(InvalidPath):
        await place.destination.discard("../outside")
