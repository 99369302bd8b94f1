"""How `script/demo`, `script/chaos` and `script/bench` run: folder, signals, exit code."""

import asyncio
from collections.abc import Callable, Coroutine
import contextlib
import logging
import math
from pathlib import Path
import signal
import sys
import tempfile
from typing import Any, Final

INTERRUPTED: Final = 130
"""The exit code after Ctrl-C."""


def run_command(
    name: str,
    work: Callable[[Path], Coroutine[Any, Any, int]],
    *,
    folder: Path | None = None,
) -> int:
    """Run `work` in a folder and return its exit code, or INTERRUPTED.

    `folder` is made, and stays; without one it is a temporary folder, of which
    `name` is a part. Ctrl-C and SIGTERM cancel `work`. Raises what `work` raises.
    """
    logging.basicConfig(level=logging.ERROR, stream=sys.stderr)
    with contextlib.ExitStack() as stack:
        if folder is None:
            temporary = tempfile.TemporaryDirectory(
                prefix=f"frigate-snap-sync-{name}-", ignore_cleanup_errors=True
            )
            folder = Path(stack.enter_context(temporary))
        else:
            folder.mkdir(parents=True)
        return asyncio.run(_cancellable(work(folder.resolve())))


async def _cancellable(work: Coroutine[Any, Any, int]) -> int:
    task = asyncio.create_task(work)
    _cancel_on_signals(task)
    try:
        return await task
    except asyncio.CancelledError:
        return INTERRUPTED


def _cancel_on_signals(task: asyncio.Task[object]) -> None:
    """Let Ctrl-C and SIGTERM cancel the task; a second one hurries the ending.

    What follows at once is the same one again: `timeout` sends its signal to
    the process and to the group.
    """
    loop = asyncio.get_running_loop()
    last = -math.inf

    def interrupt() -> None:
        nonlocal last
        if loop.time() > last + 1:
            last = loop.time()
            task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, interrupt)
