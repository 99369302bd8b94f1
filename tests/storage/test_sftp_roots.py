"""The root folder of an SFTP destination, and the folders below it."""

import asyncio
from contextlib import aclosing
from dataclasses import replace
import shutil
from typing import Any

import asyncssh
import pytest

from custom_components.frigate_snap_sync.storage.base import StoredFile
from custom_components.frigate_snap_sync.storage.errors import (
    PathNotFound,
    PermissionDenied,
)
from custom_components.frigate_snap_sync.sync.ledger import audits
from custom_components.frigate_snap_sync.sync.model.status import Problem

from ..harness.sftp_server import PASSWORD, SftpServer
from ..sync.conftest import FAST, Bench, bench, setup
from ..waiting import until
from .conftest import Connect, MakeSource
from .test_sftp import names

__all__ = ["bench"]


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
    """A file in the root's place is an error that says so."""
    (server.root / "file").touch()
    with pytest.raises(PermissionDenied, match="is no folder"):
        await connect_to(server, password=PASSWORD, path="/file").connect()


async def test_root_is_refused(server: SftpServer, connect_to: Connect) -> None:
    """A root that may not be made is an error, of connect and of a put."""
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
    """Folders that others remove are made again."""
    destination = connect_to(server, password=PASSWORD, path="/up/load")
    for _ in range(2):
        await destination.put("a/b/file", make_source(), temporary="a/b/part")
        assert names(server.root / "up/load/a/b") == ["file"]
        shutil.rmtree(server.root / "up")


async def test_a_folder_that_vanishes_before_a_file_grows_in_it(
    server: SftpServer, connect_to: Connect
) -> None:
    """It is made again, too."""
    destination = connect_to(server, password=PASSWORD, path="/up/load")
    for _ in range(2):
        file = await destination.grow("a/b/file")
        await file.write(b"film", at=0)
        assert await file.close() == 4
        assert names(server.root / "up/load/a/b") == ["file"]
        shutil.rmtree(server.root / "up")


async def test_a_root_that_is_gone_in_the_middle_of_a_session(
    server: SftpServer, connect_to: Connect
) -> None:
    """A look finds that out, though nothing is sent."""
    destination = connect_to(server, password=PASSWORD, path="/disk/load")
    await destination.connect()
    (server.root / "disk").rename(server.root / "ejected")
    server.behavior.denied = True
    with pytest.raises(PathNotFound, match="does not exist and can't be made"):
        await destination.connect()
    (server.root / "ejected").rename(server.root / "disk")
    await destination.connect()
    assert server.behavior.log_ins == 1


async def test_what_lay_in_a_root_that_is_gone_is_not_lost(
    server: SftpServer, connect_to: Connect, bench: Bench
) -> None:
    """The disk is only not mounted: no audit judges what lies on it."""
    bench.timing = replace(FAST, audit=0, probe=0.05)
    looks = 0
    is_gone = False

    def sample(*args: Any, **kwargs: Any) -> list[tuple[int, StoredFile]]:
        nonlocal looks
        looks += is_gone
        # The first look may have begun before the disk went.
        return audits.sample(*args, **kwargs) if looks > 1 else []

    bench.faults.jobs[audits.sample] = sample
    await bench.start(
        setup(connect_to(server, password=PASSWORD, path="/disk/load"), name="nas")
    )
    bench.live_snapshot()
    assert await bench.settled() == {"verified": 1}
    server.behavior.denied = is_gone = True
    (server.root / "disk").rename(server.root / "ejected")
    await until(
        lambda: bench.status.destinations["nas"].problem or bench.status.losses.count
    )
    assert bench.status.losses.count == 0
    status = bench.status.destinations["nas"]
    assert status.problem is Problem.NOT_WRITABLE
    assert "does not exist" in (status.reason or "")


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
