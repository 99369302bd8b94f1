"""Links of a given rate and delay to some ports, in a process of its own."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from typing import Final

from tests.harness.network import Network, Way

from .child import Job, service_main

RATE: Final = 100e6 / 8
"""Bytes a second, each way."""
DELAY: Final = 0.020
"""Seconds, each way."""
QUEUE: Final = 1_000_000
"""Bytes that may wait for their turn."""


async def _serve(job: Job) -> AsyncGenerator[Job]:
    """Pass all ports on through one line that they share, or each through its own."""

    def line() -> tuple[Way, Way]:
        return (
            Way(rate=job["rate"], delay=job["delay"], queue=QUEUE),
            Way(rate=job["rate"], delay=job["delay"], queue=QUEUE),
        )

    shared = line()
    async with AsyncExitStack() as stack:
        networks = []
        for port in job["ports"]:
            there, back = shared if job["is_shared"] else line()
            network = Network(port, there=there, back=back)
            networks.append(await stack.enter_async_context(network))
        yield {"ports": [network.port for network in networks]}
        yield {}


if __name__ == "__main__":
    service_main(_serve)
