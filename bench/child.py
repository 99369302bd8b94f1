"""Processes of the bench: what is measured, and what that is measured against.

A probe does one job and ends; a service runs beside probes until its input ends.
Both are modules of this package, get their job as JSON, and answer in lines of it.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager, suppress
import json
from pathlib import Path
import sys
from typing import Any, Final

ROOT: Final = Path(__file__).parents[1]
_LAST_WORDS: Final = 3000
_LINE_LIMIT: Final = 16 * 1024 * 1024
_READY_TIMEOUT: Final = 60.0
_END_TIMEOUT: Final = 30.0

type Job = dict[str, Any]
"""What can be said in JSON."""


class BenchFailed(Exception):
    """Something can't be measured; the text says why."""


class Child:
    """A module of this package in a process of its own."""

    def __init__(self, module: str, log: Path, process: asyncio.subprocess.Process):
        """Own the process; use `open` instead."""
        self._module, self._log, self._process = module, log, process

    @classmethod
    @asynccontextmanager
    async def open(cls, module: str, job: Job, *, folder: Path) -> AsyncIterator[Child]:
        """Start a module; in the end it is asked to stop, and killed if it doesn't.

        What it says on stderr goes to a file in `folder`.
        """
        log = folder / f"{module}.log"
        with log.open("ab") as stderr:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", f"{__package__}.{module}", json.dumps(job)),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=stderr,
                cwd=ROOT,
                limit=_LINE_LIMIT,
                start_new_session=True,
            )
        child = cls(module, log, process)
        try:
            yield child
            child.finish()
            async with asyncio.timeout(_END_TIMEOUT):
                await process.wait()
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    def finish(self) -> None:
        """Tell it to end."""
        assert self._process.stdin is not None
        self._process.stdin.close()

    async def answer(self, timeout: float) -> Job:
        """Return its next line; raises `BenchFailed` if none comes in time (s)."""
        assert self._process.stdout is not None
        try:
            async with asyncio.timeout(timeout):
                line = await self._process.stdout.readline()
        except TimeoutError:
            raise BenchFailed(f"{self._module} takes more than {timeout:g} s") from None
        if not line:
            words = self._log.read_bytes()[-_LAST_WORDS:].decode(errors="replace")
            raise BenchFailed(f"{self._module} ended early:\n{words}")
        answer: Job = json.loads(line)
        return answer


async def run_probe(module: str, job: Job, *, folder: Path, timeout: float) -> Job:
    """Let a module do one job in a fresh process, and return what it answers.

    Raises `BenchFailed` if it fails or takes longer than `timeout` (s).
    """
    async with Child.open(module, job, folder=folder) as child:
        return await child.answer(timeout)


class Service:
    """A module that runs until `end`; `ready` is what it said when it was."""

    def __init__(self, child: Child, ready: Job) -> None:
        """Keep the child; use `run_service` instead."""
        self._child, self.ready = child, ready

    async def end(self, *, timeout: float = _END_TIMEOUT) -> Job:
        """Tell it to end and return its last words, which come in `timeout` (s)."""
        self._child.finish()
        return await self._child.answer(timeout)


@asynccontextmanager
async def run_service(module: str, job: Job, *, folder: Path) -> AsyncIterator[Service]:
    """Run a module until the end of the block, at the latest."""
    async with Child.open(module, job, folder=folder) as child:
        yield Service(child, await child.answer(_READY_TIMEOUT))


def service_main(
    serve: Callable[[Job], AsyncGenerator[Job]],
    *,
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None,
) -> None:
    """Be a service: `serve` yields once when it is ready, and once in the end."""

    async def main() -> None:
        async with aclosing(serve(json.loads(sys.argv[1]))) as answers:
            async for answer in answers:
                say(answer)
                if not sys.stdin.closed:
                    await _end_of_input()

    asyncio.run(main(), loop_factory=loop_factory)


def say(answer: Job) -> None:
    """Answer whoever has started this process."""
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


async def _end_of_input() -> None:
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    await reader.read()
    transport.close()
