"""Real programs as child processes, started and stopped with bounded waits."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
import contextlib
import os
from pathlib import Path
import secrets
import signal
import socket
import time
from typing import Final

_PORTS: Final = range(20_000, 32_000)
"""Below those from which Linux takes the ports of connections."""


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 on which nothing listens now.

    It stays free for as long as its server is stopped: the system gives no connection a
    port that low.
    """
    while True:
        port = secrets.choice(_PORTS)
        with socket.socket() as sock, contextlib.suppress(OSError):
            sock.bind(("127.0.0.1", port))
            return port


async def listens(port: int) -> bool:
    """Tell whether something on 127.0.0.1 accepts connections at that port."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


async def wait_until(
    condition: Callable[[], Awaitable[bool]],
    what: str,
    *,
    timeout: float,
    interval: float = 0.1,
) -> None:
    """Wait for a condition; raises TimeoutError naming `what` after that time (s)."""
    deadline = time.monotonic() + timeout
    while not await condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"Not within {timeout:g} s: {what}")
        await asyncio.sleep(interval)


class ProgramFailed(Exception):
    """A program ended when it should have run; the text holds its last words."""


class Program:
    """A program that runs until it is stopped; all it says goes to `log`."""

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        log: Path,
        folder: Path | None = None,
    ) -> None:
        """Make one that is not started; it may be started many times.

        `folder` is where it runs (None: where we do).
        """
        self.command = [str(part) for part in command]
        self.log = log
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        process = self._process
        return (
            None if process is None or process.returncode is not None else process.pid
        )

    async def start(
        self, ready: Callable[[], Awaitable[bool]], *, timeout: float
    ) -> None:
        """Start it and wait until it is ready.

        Raises `ProgramFailed` if it ends instead, TimeoutError if it takes
        longer than `timeout` (s); it does not run then.
        """
        if self.pid is not None:
            raise RuntimeError(f"Runs already: {self.command[0]}")
        with self.log.open("ab") as log:
            process = self._process = await asyncio.create_subprocess_exec(
                *self.command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._folder,
                # A Ctrl-C at the terminal is for the caller, who stops this.
                start_new_session=True,
            )

        async def ready_or_gone() -> bool:
            if process.returncode is not None:
                raise ProgramFailed(
                    f"{self.command[0]} ended with {process.returncode}:\n"
                    f"{self.last_words()}"
                )
            return await ready()

        try:
            await wait_until(ready_or_gone, f"{self.command[0]} ready", timeout=timeout)
        except BaseException:
            await self.kill()
            raise

    def last_words(self, size: int = 4000) -> str:
        """Return the end of what it said."""
        if not self.log.exists():
            return ""
        return self.log.read_bytes()[-size:].decode(errors="replace")

    async def stop(self, *, timeout: float = 30) -> int | None:
        """End it with SIGTERM and return its exit code, None if it did not run.

        Raises TimeoutError, after killing it, if it takes longer.
        """
        process, self._process = self._process, None
        if process is None:
            return None
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(timeout):
                return await process.wait()
        except BaseException:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            raise

    async def kill(self) -> None:
        """End it with SIGKILL: no last act."""
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def send_signal(pid: int, number: signal.Signals) -> None:
    """Send a signal to a process that may have ended by itself."""
    with contextlib.suppress(ProcessLookupError):  # ended by itself meanwhile
        os.kill(pid, number)


def descendants(pid: int) -> Iterator[int]:
    """Yield the processes that a process has started, and those they have."""
    parents: dict[int, list[int]] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # ended meanwhile
            # The name in brackets may hold spaces: fields count from its end.
            fields = status.read_text().rpartition(")")[2].split()
            parents.setdefault(int(fields[1]), []).append(int(status.parent.name))
    pending = [pid]
    while pending:
        children = parents.get(pending.pop(), [])
        yield from children
        pending.extend(children)
