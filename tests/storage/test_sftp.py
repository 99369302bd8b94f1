"""The SFTP destination: odd servers, steps that fail, and what is left of them."""

from contextlib import aclosing
import errno
import os
from pathlib import Path
from unittest.mock import patch

import asyncssh
import pytest

from custom_components.frigate_snap_sync.storage.errors import (
    CHECKING,
    MAKING,
    RENAMING,
    NoSpace,
    PermissionDenied,
    Rejected,
)

from ..harness.openssh import OpenSshServer
from ..harness.sftp_server import PASSWORD, SftpServer
from .conftest import ClaimedSize, Connect, MakeSource

MIB = 1024 * 1024
POSIX_RENAME = frozenset({b"posix-rename@openssh.com"})
STATVFS = frozenset({b"statvfs@openssh.com"})


def names(folder: Path) -> list[str]:
    """Return what lies in a folder."""
    return sorted(path.name for path in folder.iterdir())


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


@pytest.mark.parametrize("refused", [[], ["lstat"], ["stat"], ["lstat", "stat"]])
@pytest.mark.parametrize("bare", [True, False])
async def test_replacing_what_is_hardly_seen(
    tmp_path: Path,
    connect_to: Connect,
    make_source: MakeSource,
    refused: list[str],
    bare: bool,
) -> None:
    """One answer is enough, whatever it tells; a refusal alone removes nothing."""
    async with SftpServer(tmp_path / "root", without=POSIX_RENAME) as server:
        destination = connect_to(server, password=PASSWORD)
        await destination.put("file", make_source(3), temporary="part")
        behavior = server.behavior
        denied = asyncssh.SFTPPermissionDenied("No")
        behavior.failing |= dict.fromkeys(refused, denied)
        if bare:
            size_alone = asyncssh.SFTPAttrs(size=3)
            behavior.statuses |= {"lstat": size_alone, "stat": size_alone}
        if len(refused) < 2:
            await destination.put("file", make_source(5), temporary="part")
            assert (server.root / "file").stat().st_size == 5
        else:
            with pytest.raises(Rejected):
                await destination.put("file", make_source(5), temporary="part")
            assert (server.root / "file").stat().st_size == 3
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
