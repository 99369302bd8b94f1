"""The frame of a probe: an event loop as Home Assistant makes its own."""

import asyncio
from collections.abc import Awaitable, Callable
import json
import logging
import sys

from homeassistant.runner import create_event_loop

from .child import Job, say


def probe_main(work: Callable[[Job], Awaitable[Job]]) -> None:
    """Do the job of the command line and answer what comes of it."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)

    async def main() -> Job:
        return await work(json.loads(sys.argv[1]))

    with asyncio.Runner(loop_factory=create_event_loop) as runner:
        say(runner.run(main()))
