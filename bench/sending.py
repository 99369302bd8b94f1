"""The sections in which files are sent: over the loopback, and through a link."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Final

from tests.harness.network import HOST

from . import targets
from .child import run_service
from .context import Context
from .link import DELAY, RATE
from .measure import cpu_seconds
from .race import Results, compared, loop_rows, race
from .report import Row, spread_row
from .runs import Run
from .server import Access, ShellServer, fast_place
from .stats import ratios
from .transfers import MIB, Contender, Load, Name, Route

_BIG: Final = 256 * MIB
_LINK_BIG: Final = 32 * MIB
_SMALL: Final = 100_000
_FILES: Final = 1000
_LINK_FILES: Final = 200
_HASHED_FILES: Final = 100
"""rclone's comparison of hashes is a command on the server for each file."""
_ROOM: Final = 3 * _BIG
_GCM: Final = "aes128-gcm@openssh.com"
_RAW_TIMEOUT: Final = 60.0


async def big(context: Context) -> list[Row]:
    """Compare how a file of 256 MiB is sent, and what the event loop feels of it."""
    case = "256 MiB, loopback"
    async with _server(context) as (server, folder):
        route = await _route(context, server)
        load = Load.make(folder / "big.mp4", files=1, size=_BIG)
        contenders = [
            route.library(Name.OURS, load, delay=True),
            route.library(Name.OURS_IN_THREAD, load, delay=True),
            route.openssh(Name.SFTP, load),
            route.openssh(Name.SFTP_GCM, load, cipher=_GCM),
            route.rclone_copy(Name.RCLONE, load, hashed=True),
            route.rclone_copy(Name.RCLONE_PLAIN, load, hashed=False),
            route.library(Name.PARAMIKO, load),
            route.library(Name.ASYNCSSH, load, delay=True),
        ]
        results = await _race(context, server, case, contenders)
    rows = compared(case, contenders, results, wanted=targets.BIG)
    return [*rows, *loop_rows(case, results)]


async def small(context: Context) -> list[Row]:
    """Compare how 1,000 files of 100 KB are sent, and what the event loop feels."""
    case = "1,000 × 100 KB, loopback"
    async with _server(context) as (server, folder):
        route = await _route(context, server)
        load = Load.make(folder / "small", files=_FILES, size=_SMALL)
        few = Load.make(folder / "few", files=_HASHED_FILES, size=_SMALL)
        contenders = [
            route.library(Name.OURS, load, delay=True),
            route.library(Name.OURS_IN_THREAD, load, delay=True),
            route.openssh(Name.SFTP, load),
            route.openssh(Name.SFTP_GCM, load, cipher=_GCM),
            route.rclone_copy(Name.RCLONE, few, hashed=True),
            route.rclone_copy(Name.RCLONE_PLAIN, load, hashed=False),
            route.library(Name.PARAMIKO, load),
        ]
        results = await _race(context, server, case, contenders)
    rows = compared(case, contenders, results, wanted=targets.SMALL)
    return [*rows, *loop_rows(case, results)]


async def link(context: Context) -> list[Row]:
    """Compare what gets through 100 Mbit/s with a round trip of 40 ms."""
    async with _server(context) as (server, folder), _sink() as sink:
        ports = [server.port, sink]
        job = {"rate": RATE, "delay": DELAY, "is_shared": True, "ports": ports}
        async with run_service("link", job, folder=context.folder) as service:
            port, raw_port = service.ready["ports"]
            route = await _route(context, server, port=port)
            rows: list[Row] = []
            load = Load.make(folder / "big.mp4", files=1, size=_LINK_BIG)
            contenders = [
                route.library(Name.OURS, load),
                _plain_tcp(raw_port, load),
                route.openssh(Name.SFTP, load),
                route.rclone_copy(Name.RCLONE, load, hashed=True),
                route.rclone_first_copy(Name.RCLONE_FIRST, load),
                route.rclone_copy(Name.RCLONE_PLAIN, load, hashed=False),
                route.library(Name.PARAMIKO, load),
            ]
            case = "32 MiB, 40 ms, 100 Mbit/s"
            results = await _race(context, server, case, contenders)
            seconds = median(run.seconds for run in results[Name.RAW])
            context.note(f"The link takes plain TCP at {load.speed(seconds)}")
            rows += compared(case, contenders, results, wanted=targets.LINK_BIG)
            rows.append(_most(case, load, results))
            load = Load.make(folder / "small", files=_LINK_FILES, size=_SMALL)
            few = Load.make(folder / "few", files=_HASHED_FILES, size=_SMALL)
            contenders = [
                route.library(Name.OURS, load),
                route.openssh(Name.SFTP, load),
                route.rclone_copy(Name.RCLONE, few, hashed=True),
                route.rclone_copy(Name.RCLONE_PLAIN, load, hashed=False),
            ]
            case = "200 × 100 KB, 40 ms, 100 Mbit/s"
            results = await _race(context, server, case, contenders)
            rows += compared(case, contenders, results, wanted=targets.LINK_SMALL)
    return rows


def _most(case: str, load: Load, results: Results) -> Row:
    """Return how far rclone is behind the link itself: more, nobody can reach."""
    fastest = [run.seconds for run in results[Name.RAW]]
    theirs = [run.seconds for run in results[Name.RCLONE]]
    return spread_row(
        case,
        f"{Name.RCLONE}, beside plain TCP instead of ours",
        ratios(theirs, fastest),
        ours=load.speed(median(fastest)),
        other=load.speed(median(theirs)),
    )


@asynccontextmanager
async def _server(context: Context) -> AsyncIterator[tuple[ShellServer, Path]]:
    """Run a server; yield also a folder for what is sent, on the same disk."""
    with fast_place(_ROOM, fallback=context.folder) as place:
        context.note(f"Files are sent from, and stored in, {place.kind}")
        async with ShellServer(place.folder / "server") as server:
            yield server, place.folder


async def _route(
    context: Context, server: ShellServer, *, port: int | None = None
) -> Route:
    """Return a route to the server, of which rclone knows what it is."""
    access = Access.to(server, folder=context.folder / "access", port=port)
    route = Route(access=access, logs=context.folder)
    load = Load.make(context.folder / "one", files=1, size=1)
    learning = [
        route.rclone_copy(Name.RCLONE, load, hashed=True),
        route.rclone_copy(Name.RCLONE_PLAIN, load, hashed=False),
    ]
    await race(
        learning,
        rounds=1,
        folder=server.root / "target",
        say=lambda _: None,
        case="rclone learns what the server can",
    )
    return route


async def _race(
    context: Context, server: ShellServer, case: str, contenders: list[Contender]
) -> Results:
    return await race(
        contenders,
        rounds=context.rounds,
        folder=server.root / "target",
        say=context.say,
        case=case,
    )


@asynccontextmanager
async def _sink() -> AsyncIterator[int]:
    """Yield a port that takes bytes, and answers one when there are no more."""

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(MIB):
            pass
        writer.write(b"!")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(take, HOST, 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


def _plain_tcp(port: int, load: Load) -> Contender:
    """Return the link itself: the same bytes over an open connection, no more."""

    async def send(_target: Path) -> Run:
        reader, writer = await asyncio.open_connection(HOST, port)
        data = load.source.read_bytes()
        # Its handshake over, as ours is when the connection is open.
        await asyncio.sleep(3 * DELAY)
        begin, used = perf_counter(), cpu_seconds()
        async with asyncio.timeout(_RAW_TIMEOUT):
            writer.write(data)
            writer.write_eof()
            await reader.readexactly(1)
        seconds, cpu = perf_counter() - begin, cpu_seconds() - used
        writer.close()
        return Run(seconds=seconds, cpu=cpu)

    return Contender(name=Name.RAW, load=load, send=send)
