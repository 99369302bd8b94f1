"""The SFTP destination: odd servers, steps that fail, and what is left of them."""

import asyncio
from contextlib import aclosing
import errno
import os
from pathlib import Path
import shutil
import time
from unittest.mock import AsyncMock, Mock, patch

import asyncssh
import pytest

from custom_components.frigate_snap_sync.storage.base import StoredFile
from custom_components.frigate_snap_sync.storage.errors import (
    CHECKING,
    MAKING,
    RENAMING,
    NoSpace,
    PathNotFound,
    PermissionDenied,
    Rejected,
    Unreachable,
)
from custom_components.frigate_snap_sync.storage.limits import Limits
from custom_components.frigate_snap_sync.storage.sftp.session import (
    SftpSession,
    block_size,
)

from ..harness.openssh import OpenSshServer
from ..harness.sftp_server import PASSWORD, SftpServer
from ..waiting import promptly, until
from .conftest import ClaimedSize, Connect, MakeSource

MIB = 1024 * 1024
POSIX_RENAME = frozenset({b"posix-rename@openssh.com"})
STATVFS = frozenset({b"statvfs@openssh.com"})


def names(folder: Path) -> list[str]:
    """Return what lies in a folder."""
    return sorted(path.name for path in folder.iterdir())


async def wait_for_call(server: SftpServer, name: str) -> None:
    """Wait until the server was asked for an operation."""
    await until(lambda: name in server.behavior.calls)


@pytest.mark.parametrize(
    ("path", "root"),
    [
        ("/", ""),
        ("/up/load/", "up/load"),
        ("//up//load", "up/load"),
        ("up/load", "up/load"),
        ("~/up/load", "up/load"),
        ("~", ""),
        ("", ""),
        (".", ""),
    ],
)
async def test_roots(
    server: SftpServer,
    connect_to: Connect,
    make_source: MakeSource,
    path: str,
    root: str,
) -> None:
    """A root may be absolute or begin at home; it is made if it is missing."""
    destination = connect_to(server, password=PASSWORD, path=path)
    await destination.connect()
    assert (server.root / root).is_dir()
    await destination.put("file", make_source(3), temporary="part")
    assert (server.root / root / "file").exists()
    async with aclosing(destination.list_files()) as files:
        assert [file async for file in files] == [StoredFile(path="file", size=3)]


async def test_root_is_a_file(server: SftpServer, connect_to: Connect) -> None:
    """A file in the root's place is told."""
    (server.root / "file").touch()
    with pytest.raises(PermissionDenied, match="is no folder"):
        await connect_to(server, password=PASSWORD, path="/file").connect()


async def test_root_is_refused(server: SftpServer, connect_to: Connect) -> None:
    """A root that may not be made is told, by connect and by a put."""
    server.behavior.denied = True
    destination = connect_to(server, password=PASSWORD, path="/up/load")
    with pytest.raises(PermissionDenied, match="reach the folder /up/load"):
        await destination.connect()
    with pytest.raises(PermissionDenied):
        await destination.free_space()


async def test_folders_that_may_not_be_made_but_exist(
    server: SftpServer, connect_to: Connect, make_source: MakeSource
) -> None:
    """Some servers refuse mkdir before they look whether the folder is there."""
    (server.root / "up" / "load").mkdir(parents=True)
    server.behavior.failing["mkdir"] = asyncssh.SFTPPermissionDenied("Denied")
    destination = connect_to(server, password=PASSWORD, path="/up/load")
    await destination.put("file", make_source(), temporary="part")
    with pytest.raises(PermissionDenied):
        await destination.put("a/file", make_source(), temporary="a/part")


async def test_a_folder_that_somebody_else_makes(
    server: SftpServer, connect_to: Connect, make_source: MakeSource
) -> None:
    """Between our two attempts to make a folder another client may make it."""
    destination = connect_to(server, password=PASSWORD)
    await destination.connect()

    def overtake(path: bytes) -> None:
        if path == b"/a":
            (server.root / "a" / "b").mkdir()

    server.behavior.on_mkdir = overtake
    await destination.put("a/b/file", make_source(), temporary="a/b/part")
    assert names(server.root / "a" / "b") == ["file"]


async def test_nothing_can_be_made(server: SftpServer, connect_to: Connect) -> None:
    """A server that denies even the topmost folder ends the search for a parent."""
    server.behavior.failing["mkdir"] = asyncssh.SFTPNoSuchFile("No such file")
    server.behavior.failing["stat"] = asyncssh.SFTPNoSuchFile("No such file")
    for path in ("/up/load", "up/load"):
        with pytest.raises(PathNotFound, match="does not exist and can't be made"):
            await connect_to(server, password=PASSWORD, path=path).connect()


async def test_folders_that_vanish(
    server: SftpServer, connect_to: Connect, make_source: MakeSource
) -> None:
    """Folders that somebody removes are made again."""
    destination = connect_to(server, password=PASSWORD, path="/up/load")
    for _ in range(2):
        await destination.put("a/b/file", make_source(), temporary="a/b/part")
        assert names(server.root / "up/load/a/b") == ["file"]
        shutil.rmtree(server.root / "up")


async def test_folders_are_asked_for_once(
    server: SftpServer, connect_to: Connect, make_source: MakeSource
) -> None:
    """Twenty puts at once into a new folder make it once, and never list it."""
    destination = connect_to(server, password=PASSWORD)
    source = make_source()
    await asyncio.gather(
        *(
            destination.put(f"a/b/{n}", source, temporary=f"a/b/{n}.part")
            for n in range(20)
        )
    )
    # a/b, then a, then a/b again; and the root is known by being there.
    assert server.behavior.calls.count("mkdir") == 3


async def test_replacing_without_posix_rename(
    tmp_path: Path, connect_to: Connect, make_source: MakeSource
) -> None:
    """The old file goes only when the new one is complete beside it."""
    async with SftpServer(tmp_path / "root", without=POSIX_RENAME) as server:
        destination = connect_to(server, password=PASSWORD)
        for size in (1000, 10):
            server.behavior.calls.clear()
            await destination.put("file", make_source(size), temporary="part")
            assert (server.root / "file").stat().st_size == size
        calls = server.behavior.calls
        assert "posix_rename" not in calls
        renaming = [name for name in calls if name in ("rename", "remove", "close")]
        assert renaming == ["close", "rename", "remove", "rename"]
        assert names(server.root) == ["file"]


async def test_posix_rename_that_does_not_work(
    server: SftpServer, connect_to: Connect, make_source: MakeSource
) -> None:
    """A server may offer it and refuse it; it is asked once."""
    server.behavior.failing["posix_rename"] = asyncssh.SFTPOpUnsupported("No")
    destination = connect_to(server, password=PASSWORD)
    for size in (3, 5, 4):
        await destination.put("file", make_source(size), temporary="part")
        assert (server.root / "file").stat().st_size == size
    assert server.behavior.calls.count("posix_rename") == 1


async def test_rename_is_refused(
    tmp_path: Path, connect_to: Connect, make_source: MakeSource
) -> None:
    """A refused rename has its cause, keeps what was there, and leaves no rest."""
    async with SftpServer(tmp_path / "root", without=POSIX_RENAME) as server:
        destination = connect_to(server, password=PASSWORD)
        server.behavior.failing["rename"] = asyncssh.SFTPPermissionDenied("Denied")
        (server.root / "file").write_text("old")
        with pytest.raises(PermissionDenied):
            await destination.put("file", make_source(), temporary="part")
        assert (server.root / "file").read_text() == "old"
        server.behavior.failing["rename"] = asyncssh.SFTPFailure("Failure")
        with pytest.raises(Rejected):
            await destination.put("new", make_source(), temporary="part")
        assert names(server.root) == ["file"]


async def test_rename_fails_after_the_old_file_went(
    tmp_path: Path, connect_to: Connect, make_source: MakeSource
) -> None:
    """Then the temporary file is the only copy: it stays, and is tried again."""
    async with SftpServer(tmp_path / "root", without=POSIX_RENAME) as server:
        destination = connect_to(server, password=PASSWORD)
        server.behavior.failing["rename"] = asyncssh.SFTPFailure("Failure")
        (server.root / "file").write_text("old")
        source = make_source()
        with pytest.raises(Rejected):
            await destination.put("file", source, temporary="part")
        assert server.behavior.calls.count("rename") == 1 + 3
        assert names(server.root) == ["part"]
        assert (server.root / "part").read_bytes() == source.read_bytes()

        server.behavior.failing.clear()
        await destination.put("file", source, temporary="part")
        assert names(server.root) == ["file"]


async def test_somebody_else_takes_the_name(
    tmp_path: Path, connect_to: Connect, make_source: MakeSource
) -> None:
    """A name that is taken again after each removal is given up."""
    async with SftpServer(tmp_path / "root", without=POSIX_RENAME) as server:
        destination = connect_to(server, password=PASSWORD)
        (server.root / "file").write_text("old")
        server.behavior.instead["remove"] = lambda path: None
        with pytest.raises(Rejected, match="Something else takes the name /file"):
            await destination.put("file", make_source(), temporary="part")
        assert names(server.root) == ["file", "part"]


async def test_size_differs(
    server: SftpServer, connect_to: Connect, make_source: MakeSource
) -> None:
    """A server that has fewer bytes than were sent gets no final name."""
    server.behavior.short_stat = True
    destination = connect_to(server, password=PASSWORD)
    with pytest.raises(Rejected, match="Of 1000 bytes the server has 999"):
        await destination.put("file", make_source(1000), temporary="part")
    assert names(server.root) == []


async def test_source_shrinks(
    server: SftpServer, connect_to: Connect, make_source: MakeSource
) -> None:
    """A source that is shorter than it was when it was opened is not sent."""
    destination = connect_to(server, password=PASSWORD)
    source = ClaimedSize(1001, make_source(1000).path.read_bytes())
    with pytest.raises(Rejected, match="has 1001 bytes, 1000 could be read"):
        await destination.put("file", source, temporary="part")
    assert names(server.root) == []


@pytest.mark.parametrize(
    "refusal",
    [asyncssh.SFTPOpUnsupported("No"), asyncssh.SFTPBadMessage("Bad message")],
    ids=lambda refusal: type(refusal).__name__,
)
async def test_fsync_that_can_not(
    server: SftpServer,
    connect_to: Connect,
    make_source: MakeSource,
    refusal: Exception,
) -> None:
    """A server that offers fsync but can't is asked once."""
    server.behavior.failing["fsync"] = refusal
    destination = connect_to(server, password=PASSWORD)
    for n in range(3):
        await destination.put(f"{n}", make_source(), temporary=f"{n}.part")
    assert server.behavior.calls.count("fsync") == 1


@pytest.mark.parametrize("step", ["open", "write", "fsync", "fstat", "close"])
async def test_failing_steps(
    server: SftpServer, connect_to: Connect, make_source: MakeSource, step: str
) -> None:
    """Each step that the server refuses is an error that leaves nothing."""
    server.behavior.failing[step] = asyncssh.SFTPFailure("Just so")
    destination = connect_to(server, password=PASSWORD)
    with pytest.raises(Rejected, match="Failed to write file: Just so"):
        await destination.put("file", make_source(3 * MIB), temporary="part")
    assert names(server.root) == []
    # A second time it could be the handle of another file.
    assert server.behavior.calls.count("close") == (step != "open")
    server.behavior.failing.clear()
    await destination.put("file", make_source(3 * MIB), temporary="part")


async def test_stat_fails(server: SftpServer, connect_to: Connect) -> None:
    """A failure is not taken for an absence."""
    server.behavior.failing["stat"] = asyncssh.SFTPFailure("Just so")
    with pytest.raises(Rejected, match="Failed to look at file: Just so"):
        await connect_to(server, password=PASSWORD).stat("file")


@pytest.mark.parametrize(
    "text", ["No space left on device", "Disk quota exceeded", "QUOTA", "Disk full"]
)
async def test_no_space_by_its_text(
    server: SftpServer, connect_to: Connect, make_source: MakeSource, text: str
) -> None:
    """Version 3 of the protocol has but a text for it."""
    server.behavior.failing["write"] = asyncssh.SFTPFailure(text)
    with pytest.raises(NoSpace, match=text):
        await connect_to(server, password=PASSWORD).put(
            "file", make_source(), temporary="part"
        )


async def test_no_space_by_asking(
    server: SftpServer, connect_to: Connect, make_source: MakeSource
) -> None:
    """OpenSSH says "Failure", so it is asked what is left: bytes, or new files."""
    server.behavior.failing["write"] = asyncssh.SFTPFailure("Failure")
    destination = connect_to(server, password=PASSWORD)
    for full in (
        {"bavail": 100, "favail": 1000, "files": 10000},
        {"bavail": 10**9, "favail": 0, "files": 10000},
    ):
        server.behavior.statvfs = asyncssh.SFTPVFSAttrs(frsize=4096, **full)
        with pytest.raises(NoSpace, match="Failure; [0-9]+ bytes are free"):
            await destination.put("file", make_source(), temporary="part")
    # Some file systems don't count their files.
    server.behavior.statvfs = asyncssh.SFTPVFSAttrs(
        frsize=4096, bavail=10**9, favail=0, files=0
    )
    with pytest.raises(Rejected, match="Failure"):
        await destination.put("file", make_source(), temporary="part")
    assert await destination.free_space() == 4096 * 10**9


@pytest.mark.parametrize("step", ["open", "write", "mkdir", "posix_rename"])
async def test_read_only_by_asking(
    server: SftpServer, connect_to: Connect, make_source: MakeSource, step: str
) -> None:
    """OpenSSH and ProFTPD say "Failure"; the file system's flag says more."""
    server.behavior.failing[step] = asyncssh.SFTPFailure("Failure")
    destination = connect_to(server, password=PASSWORD)
    server.behavior.statvfs = asyncssh.SFTPVFSAttrs(
        frsize=4096, bavail=10**9, favail=1, files=1, flags=1
    )
    with pytest.raises(PermissionDenied, match="its file system is read-only"):
        await destination.put("a/file", make_source(), temporary="a/part")


async def test_a_refused_delete_is_no_full_disk(
    server: SftpServer, connect_to: Connect
) -> None:
    """However little space there is; a read-only disk explains it."""
    server.behavior.failing["remove"] = asyncssh.SFTPFailure("Failure")
    destination = connect_to(server, password=PASSWORD)
    server.behavior.statvfs = asyncssh.SFTPVFSAttrs(frsize=4096, bavail=1)
    with pytest.raises(Rejected, match="Failed to delete file: Failure"):
        await destination.delete("file")
    server.behavior.statvfs = asyncssh.SFTPVFSAttrs(frsize=4096, bavail=1, flags=1)
    with pytest.raises(PermissionDenied, match="is read-only"):
        await destination.delete("file")


async def test_a_short_file_on_a_full_disk(
    server: SftpServer, connect_to: Connect, make_source: MakeSource
) -> None:
    """ProFTPD takes all writes then, and keeps what fits."""
    server.behavior.short_stat = True
    server.behavior.statvfs = asyncssh.SFTPVFSAttrs(
        frsize=4096, bavail=1, favail=1, files=1
    )
    with pytest.raises(NoSpace, match="Of 1000 bytes the server has 999; 4096 bytes"):
        await connect_to(server, password=PASSWORD).put(
            "file", make_source(1000), temporary="part"
        )
    assert names(server.root) == []


@pytest.mark.parametrize("without", [frozenset(), POSIX_RENAME])
async def test_a_server_that_sorts_out_unfinished_files(
    tmp_path: Path,
    connect_to: Connect,
    make_source: MakeSource,
    without: frozenset[bytes],
) -> None:
    """Every write was fine, and then the file is gone: that is told in words."""
    async with SftpServer(tmp_path / "root", without=without) as server:
        server.behavior.on_close = lambda: (server.root / "part").unlink()
        with pytest.raises(Rejected, match="part was gone before") as raised:
            await connect_to(server, password=PASSWORD).put(
                "file", make_source(), temporary="part"
            )
        assert raised.value.step == RENAMING
        assert names(server.root) == []


@pytest.mark.parametrize(
    ("operation", "step"),
    [
        ("mkdir", MAKING),
        ("open", None),
        ("write", None),
        ("fstat", CHECKING),
        ("posix_rename", RENAMING),
    ],
)
async def test_the_step_is_told(
    server: SftpServer,
    connect_to: Connect,
    make_source: MakeSource,
    operation: str,
    step: str | None,
) -> None:
    """What a server refuses, so that its owner knows what to allow."""
    server.behavior.failing[operation] = asyncssh.SFTPPermissionDenied("Denied")
    with pytest.raises(PermissionDenied) as raised:
        await connect_to(server, password=PASSWORD).put(
            "a/file", make_source(), temporary="a/part"
        )
    assert raised.value.step == step


async def test_a_path_below_a_file(server: SftpServer, connect_to: Connect) -> None:
    """ProFTPD calls that a failure; there is nothing, as others say."""
    server.behavior.failing["stat"] = asyncssh.SFTPFailure("Not a directory")
    assert await connect_to(server, password=PASSWORD).stat("file/below") is None


async def test_unknown_space(
    tmp_path: Path, connect_to: Connect, make_source: MakeSource
) -> None:
    """Without statvfs nobody can know; a failure is one without a cause."""
    async with SftpServer(tmp_path / "root", without=STATVFS) as server:
        destination = connect_to(server, password=PASSWORD)
        assert await destination.free_space() is None
        server.behavior.failing["write"] = asyncssh.SFTPFailure("Failure")
        with pytest.raises(Rejected, match="Failed to write file: Failure"):
            await destination.put("file", make_source(), temporary="part")


async def test_connection_breaks_while_asking(
    server: SftpServer, connect_to: Connect, make_source: MakeSource
) -> None:
    """Then the first failure is the one that is told."""
    server.behavior.failing["write"] = asyncssh.SFTPFailure("Failure")

    def abort() -> None:
        for connection in server.connections:
            connection.abort()

    server.behavior.on_statvfs = abort
    with pytest.raises(Rejected, match="Failed to write file: Failure"):
        await connect_to(server, password=PASSWORD).put(
            "file", make_source(), temporary="part"
        )


async def test_stale_temporary_that_can_not_be_removed(
    server: SftpServer, connect_to: Connect, make_source: MakeSource
) -> None:
    """A folder in the temporary file's place is an error, not a loop."""
    (server.root / "part").mkdir()
    with pytest.raises(Rejected):
        await connect_to(server, password=PASSWORD).put(
            "file", make_source(), temporary="part"
        )
    assert names(server.root) == ["part"]


def test_block_sizes() -> None:
    """The server's limit counts; one that tells none gets what all must take."""
    assert block_size(261120) == 261120
    assert block_size(1024 * 1024) == 261120
    assert block_size(64 * 1024) == 64 * 1024
    assert block_size(16 * 1024) == 32 * 1024
    assert block_size(1000) == 1000


@pytest.mark.parametrize(
    ("without", "block", "most"),
    [
        (frozenset(), 261120, 4),
        (frozenset({b"limits@openssh.com"}), 32 * 1024, 32),
    ],
)
async def test_one_window_for_all(
    tmp_path: Path,
    connect_to: Connect,
    make_source: MakeSource,
    without: frozenset[bytes],
    block: int,
    most: int,
) -> None:
    """All uploads together have 1 MiB under way, and no more."""
    # The way to a server on a busy machine may look like one to the moon.
    async with SftpServer(tmp_path / "root", without=without) as server:
        destination = connect_to(
            server,
            password=PASSWORD,
            limits={"min_in_flight": MIB, "max_in_flight": MIB},
        )
        source = make_source(4 * MIB)
        behavior = server.behavior
        behavior.holding = "write"
        puts = [
            asyncio.create_task(destination.put(f"{n}", source, temporary=f"{n}.part"))
            for n in range(4)
        ]
        await wait_for_call(server, "write")
        # Whatever is sent without an answer comes now.
        await asyncio.sleep(0.5)
        behavior.held.set()
        await asyncio.gather(*puts)
    # One is being answered.
    assert behavior.most_waiting // block == most - 1


async def test_ten_at_once(
    server: SftpServer, connect_to: Connect, make_source: MakeSource
) -> None:
    """No more files are open on the server."""
    server.behavior.holding = "fsync"
    destination = connect_to(server, password=PASSWORD)
    source = make_source()
    puts = [
        asyncio.create_task(destination.put(f"{n}", source, temporary=f"{n}.part"))
        for n in range(20)
    ]
    await until(lambda: server.behavior.open_files == 10)
    server.behavior.held.set()
    await asyncio.gather(*puts)
    assert server.behavior.most_open == 10
    assert len(names(server.root)) == 20


async def test_a_slow_server_is_not_given_up(
    server: SftpServer, connect_to: Connect, make_source: MakeSource
) -> None:
    """As long as it answers anything, it may take its time."""
    server.behavior.write_delay = 0.4
    destination = connect_to(server, password=PASSWORD, limits={"idle_timeout": 2})
    started = time.monotonic()
    await destination.put("file", make_source(2 * MIB), temporary="part")
    assert time.monotonic() - started > 2


async def test_one_stuck_request() -> None:
    """One that is never answered ends, although others are."""
    aborted = asyncio.Event()
    client = Mock(
        limits=asyncssh.SFTPLimits(max_write_len=1, max_read_len=1),
        wait_closed=asyncio.Event().wait,
    )
    connection = Mock(wait_closed=AsyncMock(), abort=aborted.set)
    session = SftpSession(
        connection,
        client,
        round_trip=0.001,
        limits=Limits(idle_timeout=0.1, max_waits=3),
    )

    async def stuck() -> None:
        with session.request():
            await aborted.wait()
            raise asyncssh.SFTPConnectionLost("Connection closed")

    started = time.monotonic()
    task = asyncio.create_task(stuck())
    async with promptly():
        while session.usable:
            with session.request():
                await asyncio.sleep(0.02)
    assert time.monotonic() - started > 0.25
    with pytest.raises(Unreachable, match="answered nothing for 0.1 s"):
        await task
    with pytest.raises(Unreachable), session.request():
        pytest.fail("a lost session was used")
    await session.close()


async def test_idle_is_no_silence(server: SftpServer, connect_to: Connect) -> None:
    """A connection that nobody uses is not given up."""
    idle = 2
    destination = connect_to(server, password=PASSWORD, limits={"idle_timeout": idle})
    await destination.stat("none")
    await asyncio.sleep(1.5 * idle)
    await destination.stat("none")
    await asyncio.sleep(0.75 * idle)
    # Begun late in the time that the request before it was given.
    server.behavior.holding = "stat"
    asyncio.get_running_loop().call_later(0.5 * idle, server.behavior.held.set)
    await destination.stat("none")
    assert server.behavior.log_ins == 1


@pytest.mark.parametrize("step", ["mkdir", "open", "write", "fsync", "close"])
async def test_cancel_while_the_server_is_silent(
    server: SftpServer,
    connect_to: Connect,
    make_source: MakeSource,
    step: str,
) -> None:
    """A cancellation does not wait for it; the clean-up is done when it answers."""
    destination = connect_to(
        server, password=PASSWORD, path="/up/load", limits={"cancel_timeout": 0.1}
    )
    server.behavior.holding = step
    put = asyncio.create_task(
        destination.put("a/file", make_source(3 * MIB), temporary="a/part")
    )
    await wait_for_call(server, step)
    put.cancel()
    async with promptly():
        with pytest.raises(asyncio.CancelledError):
            await put

    # The next one waits until the old temporary file is gone.
    again = asyncio.create_task(
        destination.put("a/file", make_source(5), temporary="a/part")
    )
    await asyncio.sleep(0)  # It runs as far as it can.
    server.behavior.held.set()
    await again
    assert names(server.root / "up/load/a") == ["file"]
    assert (server.root / "up/load/a/file").stat().st_size == 5
    assert server.behavior.open_files == 0


async def test_many_cancellations(
    server: SftpServer, connect_to: Connect, make_source: MakeSource
) -> None:
    """Whatever is cancelled when, the window and the places are given back."""
    destination = connect_to(server, password=PASSWORD)
    await destination.connect()
    source = make_source(3 * MIB)
    for n in range(40):
        put = asyncio.create_task(
            destination.put(f"{n}", source, temporary=f"{n}.part")
        )
        for _ in range(5 * n):
            await asyncio.sleep(0)
        put.cancel()
        await asyncio.wait({put})
    async with promptly():
        await destination.put("file", source, temporary="part")
    assert not [name for name in names(server.root) if name.endswith("part")]
    assert server.behavior.log_ins == 1
    assert server.behavior.open_files == 0


@pytest.mark.parametrize("fails", [False, True])
async def test_cancel_while_renaming(
    server: SftpServer, connect_to: Connect, make_source: MakeSource, fails: bool
) -> None:
    """A rename that is under way is waited for; then nothing else is removed."""
    destination = connect_to(server, password=PASSWORD)
    server.behavior.holding = "posix_rename"
    if fails:
        server.behavior.failing["posix_rename"] = asyncssh.SFTPPermissionDenied("No")
    put = asyncio.create_task(destination.put("file", make_source(), temporary="part"))
    await wait_for_call(server, "posix_rename")
    put.cancel()
    await asyncio.sleep(0)  # It gets to know of it.
    server.behavior.held.set()
    with pytest.raises(asyncio.CancelledError):
        await put
    assert names(server.root) == ([] if fails else ["file"])


async def test_cancel_an_open_that_fails(
    server: SftpServer, connect_to: Connect, make_source: MakeSource
) -> None:
    """What was never made needs no clean-up."""
    destination = connect_to(server, password=PASSWORD)
    server.behavior.holding = "open"
    server.behavior.failing["open"] = asyncssh.SFTPPermissionDenied("No")
    put = asyncio.create_task(destination.put("file", make_source(), temporary="part"))
    await wait_for_call(server, "open")
    put.cancel()
    await asyncio.sleep(0)  # It gets to know of it.
    server.behavior.held.set()
    with pytest.raises(asyncio.CancelledError):
        await put
    assert "remove" not in server.behavior.calls


async def test_close_ends_a_clean_up(
    server: SftpServer,
    connect_to: Connect,
    make_source: MakeSource,
) -> None:
    """Closing does not wait for a clean-up that nobody answers."""
    destination = connect_to(server, password=PASSWORD, limits={"cancel_timeout": 0.05})
    server.behavior.holding = "write"
    put = asyncio.create_task(
        destination.put("file", make_source(MIB), temporary="part")
    )
    await wait_for_call(server, "write")
    server.behavior.holding = "close"
    put.cancel()
    with pytest.raises(asyncio.CancelledError):
        await put
    async with promptly():
        await destination.close()
    server.behavior.held.set()
    server.behavior.holding = None
    await destination.put("file", make_source(3), temporary="part")
    assert names(server.root) == ["file"]


async def test_reader_leaves_a_silent_server(
    server: SftpServer,
    connect_to: Connect,
    make_source: MakeSource,
) -> None:
    """Leaving a reader waits but a moment for the server to close the file."""
    (server.root / "file").write_bytes(bytes(3 * MIB))
    destination = connect_to(server, password=PASSWORD, limits={"leave_timeout": 0.1})
    server.behavior.holding = "close"
    async with promptly(), aclosing(destination.open_read("file")) as pieces:
        assert await anext(pieces)


async def test_short_reads(
    server: SftpServer, connect_to: Connect, make_source: MakeSource
) -> None:
    """A server may answer a read with fewer bytes than were asked for."""
    content = make_source(700_001).read_bytes()
    (server.root / "file").write_bytes(content)
    server.behavior.max_read = 10_000
    destination = connect_to(server, password=PASSWORD)
    async with aclosing(destination.open_read("file")) as pieces:
        assert b"".join([piece async for piece in pieces]) == content


async def test_read_is_refused(server: SftpServer, connect_to: Connect) -> None:
    """A file that may not be read has its cause."""
    (server.root / "file").touch()
    server.behavior.failing["open"] = asyncssh.SFTPPermissionDenied("Denied")
    with pytest.raises(PermissionDenied, match="Failed to read file: Denied"):
        async with aclosing(
            connect_to(server, password=PASSWORD).open_read("file")
        ) as pieces:
            await anext(pieces)


async def test_links_are_not_followed(server: SftpServer, connect_to: Connect) -> None:
    """A list holds plain files alone, so it has an end."""
    (server.root / "folder").mkdir()
    (server.root / "folder" / "file").touch()
    (server.root / "folder" / "loop").symlink_to("..")
    (server.root / "link").symlink_to("folder/file")
    deep = server.root / "/".join("d" * 70)
    deep.mkdir(parents=True)
    (deep / "file").touch()
    destination = connect_to(server, password=PASSWORD)
    async with aclosing(destination.list_files()) as files:
        assert [file.path async for file in files] == ["folder/file"]


async def test_list_is_refused(tmp_path: Path, connect_to: Connect) -> None:
    """A folder that may not be listed has its cause."""
    async with SftpServer(tmp_path / "root") as server:
        server.behavior.failing["scandir"] = asyncssh.SFTPPermissionDenied("Denied")
        with pytest.raises(PermissionDenied, match="Failed to list /: Denied"):
            async with aclosing(
                connect_to(server, password=PASSWORD).list_files()
            ) as files:
                await anext(files)


async def test_a_server_that_tells_no_size(
    server: SftpServer, connect_to: Connect
) -> None:
    """Without a size nothing is proven."""
    (server.root / "file").touch()
    server.behavior.statuses["stat"] = asyncssh.SFTPAttrs(permissions=0o100644)
    with pytest.raises(Rejected, match="does not tell the size"):
        await connect_to(server, password=PASSWORD).stat("file")


async def test_reading_the_source_fails(
    server: SftpServer, connect_to: Connect, make_source: MakeSource
) -> None:
    """A disk of ours that fails in mid-file leaves nothing on the server."""
    source = make_source(3 * MIB)
    destination = connect_to(server, password=PASSWORD)
    await destination.connect()
    with (
        patch.object(os, "read", side_effect=OSError(errno.EIO, "broken")),
        pytest.raises(Rejected, match="broken"),
    ):
        await destination.put("file", source, temporary="part")
    assert names(server.root) == []


async def test_openssh_calls_a_long_name_a_bad_message(
    tmp_path: Path, connect_to: Connect, make_source: MakeSource
) -> None:
    """What a file system can't name is refused, and the connection stays."""
    async with OpenSshServer(tmp_path / "server") as server:
        destination = connect_to(server)
        with pytest.raises(Rejected):
            await destination.put("x" * 300, make_source(), temporary="part")
        await destination.put("x" * 200, make_source(), temporary="part")
        assert names(server.root) == ["x" * 200]
