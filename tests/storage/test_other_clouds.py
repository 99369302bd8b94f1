"""The commands of docs/other-clouds.md do what the page says, with rclone's local backend."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
import re
import shlex

import pytest

from custom_components.frigate_snap_sync.storage.base import Destination
from custom_components.frigate_snap_sync.storage.check import check_destination
from custom_components.frigate_snap_sync.storage.sftp.destination import (
    SftpDestination,
    SftpSettings,
    fetch_host_key,
)
from custom_components.frigate_snap_sync.storage.webdav.destination import (
    WebdavDestination,
)
from custom_components.frigate_snap_sync.storage.webdav.settings import WebdavSettings

from ..harness.processes import Program, free_port, listens
from ..harness.webdav import tool
from ..source import ROOT
from .conftest import MakeSource
from .places import sessions

PAGE = (ROOT / "docs" / "other-clouds.md").read_text()
HOST = "127.0.0.1"
PASSWORD = "CHANGE-ME"
# As `rclone config` writes it; the password is that of `rclone obscure`.
SECRET = """\
[secret]
type = crypt
remote = cloud:frigate
password = iFJCf605DTwWU5Dr73Tc37KoYGw
"""


def command(kind: str) -> list[str]:
    """Return the arguments of the page's command that serves in this way."""
    match = re.search(rf"rclone (serve {kind} [^`\n]*)", PAGE)
    assert match is not None
    return shlex.split(match[1])


@asynccontextmanager
async def cloud(arguments: Sequence[str], folder: Path) -> AsyncGenerator[int]:
    """Run the command, with a folder as its cloud, at a free port."""
    root, config, port = folder / "cloud", folder / "rclone.conf", free_port()
    root.mkdir()
    config.write_text(f"[cloud]\ntype = alias\nremote = {root}\n{SECRET}")
    ours = [
        re.sub(r"^--addr=.*$", f"--addr={HOST}:{port}", argument)
        for argument in arguments
    ]
    assert ours != list(arguments)
    program = Program(
        [tool("rclone"), *ours, "--config", config, "--cache-dir", folder / "cache"],
        log=folder / "rclone.log",
    )
    await program.start(lambda: listens(port), timeout=60)
    try:
        yield port
    finally:
        await program.stop()


async def use(destination: Destination, root: Path, source: Path) -> None:
    """Test it as the set-up does, and put a file."""
    try:
        await check_destination(destination, workdir=source.parent / "work")
    finally:
        await destination.close()
    assert (root / "frigate").is_dir()
    assert not [path for path in root.rglob("*") if path.is_file()]


def test_compose_runs_the_same_command() -> None:
    """Line by line; the port is the only difference."""
    listed = re.findall(r"(?m)^      - ([^\"\s./]\S*|--\S+)$", PAGE)
    assert re.sub(r"--addr=\S+", "", " ".join(listed)) == re.sub(
        r"--addr=\S+", "", " ".join(command("webdav"))
    )
    assert f"--pass={PASSWORD}" in listed


async def test_webdav(tmp_path: Path, make_source: MakeSource) -> None:
    """Through the command, into the folder of the remote."""
    async with cloud(command("webdav"), tmp_path) as port, sessions() as open_session:
        settings = WebdavSettings(
            url=f"http://{HOST}:{port}", username="camera", password=PASSWORD
        )
        destination = WebdavDestination(settings, open_session)
        await use(destination, tmp_path / "cloud", make_source().path)
        wrong = WebdavSettings(url=f"http://{HOST}:{port}")
        refused = WebdavDestination(wrong, open_session)
        with pytest.raises(Exception, match="refuses the login"):
            await refused.connect()
        await refused.close()


async def test_sftp(tmp_path: Path, make_source: MakeSource) -> None:
    """The same by SFTP."""
    async with cloud(command("sftp"), tmp_path) as port:
        host_key = await fetch_host_key(HOST, port)
        destination = SftpDestination(
            SftpSettings(
                host=HOST,
                port=port,
                username="camera",
                password=PASSWORD,
                path="/",
                host_key=host_key.line,
            )
        )
        await use(destination, tmp_path / "cloud", make_source().path)


async def test_encrypted(tmp_path: Path, make_source: MakeSource) -> None:
    """The cloud has neither names nor contents; who asks rclone has both."""
    arguments = ["secret:" if a == "cloud:frigate" else a for a in command("webdav")]
    content = b"evidence " * 1000
    source = make_source(content=content)
    async with cloud(arguments, tmp_path) as port, sessions() as open_session:
        settings = WebdavSettings(
            url=f"http://{HOST}:{port}", username="camera", password=PASSWORD
        )
        destination = WebdavDestination(settings, open_session)
        root = tmp_path / "cloud"
        await use(destination, root, source.path)
        destination = WebdavDestination(settings, open_session)
        await destination.put("day/film.mp4", source, temporary="day/.film.mp4.tmp")
        read = b"".join([part async for part in destination.open_read("day/film.mp4")])
        await destination.close()
    (stored,) = [path for path in root.rglob("*") if path.is_file()]
    assert read == content
    assert "film" not in str(stored.relative_to(root))
    assert b"evidence" not in stored.read_bytes()
