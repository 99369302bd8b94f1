"""How long a server that is reached over HTTP may take."""

from dataclasses import dataclass

import aiohttp


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpLimits:
    """Seconds: to connect, for a small request and its answer, and for large ones.

    `idle` is what a server may take for the next piece of a body, in either
    direction, and `finish` for its answer once it has the whole body: some copy the
    file once more then.
    """

    connect: float = 20.0
    request: float = 30.0
    idle: float = 60.0
    finish: float = 180.0


def no_timeouts(limits: HttpLimits) -> aiohttp.ClientTimeout:
    """Return the time-outs of a request that is watched in other ways.

    aiohttp's own total is five minutes, and none of its limits is about a server
    that stops reading.
    """
    return aiohttp.ClientTimeout(total=None, sock_connect=limits.connect)
