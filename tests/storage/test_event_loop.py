"""No disk or SFTP server blocks the event loop, by Home Assistant's own detector."""

import asyncio
import json
from pathlib import Path
import subprocess
import sys

from ..harness.openssh import OpenSshServer
from .conftest import MakeSource

# In a process of its own, without any test library: the detector is mostly off where
# one is loaded. It ends with a call that blocks, to prove that it is on.
SCRIPT = """
import asyncio, json, logging, sys, threading
from contextlib import aclosing
from pathlib import Path

from homeassistant import block_async_io
from custom_components.frigate_snap_sync.storage.check import check_destination
from custom_components.frigate_snap_sync.storage.local.destination import (
    LocalDestination, find_mount_point
)
from custom_components.frigate_snap_sync.storage.sftp.destination import (
    SftpDestination, SftpSettings, fetch_host_key, generate_key_pair
)
from custom_components.frigate_snap_sync.storage.source import FileSource

async def use(destination, source):
    await destination.connect()
    await check_destination(destination, workdir=source.parent / "work")
    for name in ("a/file", "a/file", "b/file"):
        await destination.put(
            name, FileSource(source, size=3_000_000), temporary=name + ".part"
        )
    assert (await destination.stat("a/file")).size == 3_000_000
    async with aclosing(destination.list_files()) as files:
        assert len([file async for file in files]) == 2
    async with aclosing(destination.open_read("a/file")) as pieces:
        assert sum([len(piece) async for piece in pieces]) == 3_000_000
    await destination.free_space()
    await destination.delete("a/file")
    await destination.close()

async def main(source, root, settings):
    asyncio.get_running_loop()._thread_ident = threading.get_ident()
    await generate_key_pair("test")
    await fetch_host_key(settings["host"], settings["port"])
    await use(SftpDestination(SftpSettings(**settings)), source)
    mount_point = await find_mount_point(root)
    await use(
        LocalDestination(root, mount_point=mount_point, is_allowed=lambda _: True),
        source,
    )
    print("ALL DONE", file=sys.stderr, flush=True)
    root.joinpath("b/file").read_bytes()

logging.basicConfig(level=logging.WARNING)
block_async_io.enable()
asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3])))
"""


async def test_nothing_blocks(tmp_path: Path, make_source: MakeSource) -> None:
    """Every operation of a local folder and an SFTP server, then a call that does block."""
    async with OpenSshServer(tmp_path / "server") as server:
        settings = {
            "host": server.host,
            "port": server.port,
            "username": server.username,
            "private_key": server.private_key,
            "path": str(server.root),
            "host_key": server.host_key,
        }
        process = await asyncio.to_thread(
            subprocess.run,
            [
                sys.executable,
                "-c",
                SCRIPT,
                str(make_source(3_000_000).local_path),
                str(tmp_path / "local"),
                json.dumps(settings),
            ],
            capture_output=True,
            text=True,
            timeout=50,
            check=False,
        )
    before, done, after = process.stderr.partition("ALL DONE")
    assert done, process.stderr
    assert "Detected blocking call" not in before
    assert "Detected blocking call to read_bytes" in after
