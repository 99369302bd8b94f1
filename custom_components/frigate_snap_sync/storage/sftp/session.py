"""One SFTP channel on one SSH connection, watched over while it is used."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

import asyncssh

from ..errors import Unreachable
from ..limits import Limits
from ..texts import brief
from .errors import CONNECTION_LOST, NONSENSE

WANTED_RATE: Final = 25_000_000
"""Bytes a second that the bytes under way shall allow, if they suffice for it."""

MAX_BLOCK: Final = 255 * 1024
"""Bytes of one request: what OpenSSH takes, as each costs the same work."""

SAFE_BLOCK: Final = 32 * 1024
"""Bytes that every server takes in one request, by the protocol's draft."""

MIN_BLOCK: Final = 512
"""Bytes below which a server's limit is taken for nonsense.

A file would be cut into so many requests that they alone hold up the event loop.
"""

MAX_REQUESTS: Final = 256
"""Requests that carry data, at once: 1 MiB in blocks of 4 KiB."""

UNKNOWN_LIMIT: Final = 16 * 1024
"""What asyncssh puts where a server tells no limit."""

CLOSE_TIMEOUT: Final = 1.0
"""Seconds for asyncssh to release its own tasks; the network is not asked."""


def block_size(limit: int) -> int:
    """Return the bytes of one request, given the server's limit."""
    if limit == UNKNOWN_LIMIT or limit < MIN_BLOCK:
        return SAFE_BLOCK
    return min(MAX_BLOCK, limit)


def in_flight(round_trip: float, limits: Limits) -> int:
    """Return the bytes to have under way, given the seconds of a round trip.

    Twice what the link holds: while an acknowledgement is on its way back, as
    much again must be on its way there.
    """
    wanted = int(2 * WANTED_RATE * round_trip)
    return min(max(wanted, limits.min_in_flight), limits.max_in_flight)


async def give_up(connection: asyncssh.SSHClientConnection) -> None:
    """Drop a connection without a word to the server."""
    connection.abort()
    with suppress(TimeoutError):
        async with asyncio.timeout(CLOSE_TIMEOUT):
            await connection.wait_closed()


class SftpSession:
    """A logged-in connection with an open SFTP channel.

    Use `client` inside of `request` only. What is known of the server is kept
    here, so it is asked again after a reconnect.
    """

    def __init__(
        self,
        connection: asyncssh.SSHClientConnection,
        client: asyncssh.SFTPClient,
        *,
        round_trip: float,
        limits: Limits,
    ) -> None:
        """Own the connection from now on; needs a running loop.

        `round_trip` are the seconds of one.
        """
        self.limits = limits
        self.client = client
        self.write_block = block_size(client.limits.max_write_len)
        self.read_block = block_size(client.limits.max_read_len)
        places = in_flight(round_trip, limits) // self.write_block
        places = max(1, min(places, MAX_REQUESTS))
        self.window = asyncio.Semaphore(places)
        """One place for each request that carries data."""
        self.film_window = asyncio.Semaphore(places)
        """The same for files that grow."""
        self.folders: set[str] = set()
        """Folders that are known to exist."""
        self.folder_lock = asyncio.Lock()
        self.has_posix_rename = True
        self.has_fsync = True
        self._connection = connection
        self._idle_timeout = limits.idle_timeout
        self._loop = asyncio.get_running_loop()
        self._pending: dict[object, float] = {}
        self._answered = self._loop.time()
        self._timer: asyncio.TimerHandle | None = None
        self._lost: str | None = None
        self._said = ""
        self._watch = self._loop.create_task(self._wait_for_end())

    @property
    def usable(self) -> bool:
        """Whether nothing is known to be wrong with the connection."""
        return self._lost is None

    @contextmanager
    def request(self) -> Iterator[None]:
        """Watch over one request to the server, made inside of the block.

        Raises `Unreachable` when the connection is or gets lost, or when the
        server answers nothing at all for the idle timeout. What the server
        refuses comes through as `asyncssh.SFTPError`. An answer that makes no sense
        ends the connection.
        """
        if self._lost is not None:
            raise self._loss
        mark = object()
        self._pending[mark] = self._loop.time()
        if self._timer is None:
            self._timer = self._loop.call_later(self._idle_timeout, self._check)
        try:
            yield
        except asyncssh.SFTPFailure as err:
            if "not a directory" not in err.reason.lower():
                raise
            # ProFTPD, of a path below a file; others say that there is none.
            raise asyncssh.SFTPNoSuchFile(err.reason) from err
        except CONNECTION_LOST as err:
            self._end(f"The connection broke: {brief(str(err))}", said=str(err))
            raise self._loss from err
        except NONSENSE as err:
            self._end(f"The server's answer makes no sense: {brief(str(err))}")
            raise self._loss from err
        finally:
            del self._pending[mark]
            self._answered = self._loop.time()

    async def close(self) -> None:
        """Tell the server good-bye if that takes no waiting, and release it."""
        self._lost = self._lost or "The connection was closed"
        self._stop_timer()
        self._watch.cancel()
        await asyncio.wait({self._watch}, timeout=CLOSE_TIMEOUT)
        self._connection.close()
        await give_up(self._connection)

    def _check(self) -> None:
        """End the connection when the oldest request has waited too long."""
        self._timer = None
        if not self._pending:
            return
        oldest = next(iter(self._pending.values()))
        due = min(
            max(oldest, self._answered) + self._idle_timeout,
            oldest + self.limits.max_waits * self._idle_timeout,
        )
        if self._loop.time() >= due:
            self._end(f"The server answered nothing for {self._idle_timeout:g} s")
        else:
            self._timer = self._loop.call_at(due, self._check)

    async def _wait_for_end(self) -> None:
        """Notice the end of the channel while nothing is asked of it."""
        await self.client.wait_closed()
        self._end("The server closed the connection")

    @property
    def _loss(self) -> Unreachable:
        return Unreachable(self._lost or "", hint="connection_broke", said=self._said)

    def _end(self, reason: str, *, said: str = "") -> None:
        """Note the first reason; every request under way then ends by itself."""
        if self._lost is None:
            self._lost, self._said = reason, brief(said)
        self._stop_timer()
        self._connection.abort()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
