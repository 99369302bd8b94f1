"""The sections on a bucket and on WebDAV, over the loopback."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final

from tests.harness.network import HOST
from tests.harness.s3_servers import ACCESS_KEY, SECRET_KEY, RcloneS3
from tests.harness.webdav import PASSWORD, USERNAME, Apache

from . import targets
from .context import Context
from .peers import find_program, find_rclone, obscured
from .race import Results, compared, loop_rows, race
from .report import Row, Wanted
from .runs import Run
from .server import fast_place
from .transfers import MIB, Contender, Load, Name, library, run_peer

_SMALL: Final = 100_000
_ROOM: Final = 3072 * MIB
_BUCKET: Final = "cams"
_TARGET: Final = "target"


@dataclass(frozen=True, slots=True, kw_only=True)
class Loads:
    """What is sent: bytes of the two files (0: no huge one), and how many small ones."""

    big: int = 256 * MIB
    huge: int = 1024 * MIB
    files: int = 200


_LOADS: Final = Loads()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Store:
    """A server, and how the contenders reach it."""

    sender: str
    """Ours, by its name in the module `store_senders`."""
    settings: Mapping[str, Any]
    """Those of our destination."""
    remote: Mapping[str, str]
    """Those of rclone."""
    remote_path: str
    folder: Path
    """Where the server's files lie."""
    logs: Path

    def ours(self, load: Load) -> Contender:
        """Return our destination."""
        return self._library(Name.OURS, self.sender, load, delay=True)

    def boto3(self, load: Load) -> Contender:
        """Return boto3."""
        return self._library(Name.BOTO3, "boto3", load, delay=False)

    def _library(
        self, name: Name, sender: str, load: Load, *, delay: bool
    ) -> Contender:
        def job(_target: Path) -> dict[str, Any]:
            return {"sender": sender, "settings": dict(self.settings)}

        return library("store_senders", name, load, job, logs=self.logs, delay=delay)

    def rclone(self, name: Name, load: Load, *options: str) -> Contender:
        """Return rclone, as from a shell."""
        settings = self.logs / "rclone.conf"
        lines = ["[store]", *(f"{key} = {value}" for key, value in self.remote.items())]
        settings.write_text("\n".join(lines) + "\n")
        command = [
            *(find_rclone(), "copy", str(load.source), f"store:{self.remote_path}"),
            *("--config", str(settings), "--cache-dir", str(self.logs / "cache")),
            *options,
        ]

        async def send(target: Path) -> Run:
            return await run_peer(command, load, target, logs=self.logs)

        return Contender(name=name, load=load, send=send)

    def curl(self, load: Load) -> Contender:
        """Return curl, which writes to the final name and checks nothing."""
        url = f"{self.settings['url']}/{_TARGET}/"
        command = [
            *(find_program("curl", "install the package curl"), "-sSf"),
            *("-u", f"{USERNAME}:{PASSWORD}", "-T", str(load.source), url),
        ]

        async def send(target: Path) -> Run:
            return await run_peer(command, load, target, logs=self.logs)

        return Contender(name=Name.CURL, load=load, send=send)


async def s3(context: Context, *, loads: Loads = _LOADS) -> list[Row]:
    """Compare what a bucket of rclone's server takes."""
    async with _bucket(context) as (store, folder):
        big = Load.make(folder / "big.mp4", files=1, size=loads.big)
        contenders = [
            store.ours(big),
            store.rclone(Name.RCLONE, big),
            store.boto3(big),
        ]
        case = "256 MiB, S3, loopback"
        rows = await _compare(context, store, case, contenders, targets.S3_BIG)
        small = Load.make(folder / "small", files=loads.files, size=_SMALL)
        contenders = [
            store.ours(small),
            store.rclone(Name.RCLONE_8, small, "--transfers", "8"),
            store.boto3(small),
        ]
        case = "200 × 100 KB, S3, loopback"
        rows += await _compare(context, store, case, contenders, targets.S3_SMALL)
        return [*rows, *await _memory(context, store, folder, "S3", loads)]


async def webdav(context: Context, *, loads: Loads = _LOADS) -> list[Row]:
    """Compare what Apache takes over WebDAV."""
    async with _dav(context) as (store, folder):
        big = Load.make(folder / "big.mp4", files=1, size=loads.big)
        contenders = [
            store.ours(big),
            store.curl(big),
            store.rclone(Name.RCLONE, big),
        ]
        case = "256 MiB, WebDAV, loopback"
        rows = await _compare(context, store, case, contenders, targets.WEBDAV_BIG)
        small = Load.make(folder / "small", files=loads.files, size=_SMALL)
        contenders = [store.ours(small), store.rclone(Name.RCLONE, small)]
        case = "200 × 100 KB, WebDAV, loopback"
        rows += await _compare(context, store, case, contenders, targets.WEBDAV_SMALL)
        return [*rows, *await _memory(context, store, folder, "WebDAV", loads)]


async def _compare(
    context: Context,
    store: _Store,
    case: str,
    contenders: list[Contender],
    wanted: Mapping[Name, Wanted],
) -> list[Row]:
    results: Results = await race(
        contenders,
        rounds=context.rounds,
        folder=store.folder / _TARGET,
        say=context.say,
        case=case,
    )
    rows = compared(case, contenders, results, wanted=wanted)
    return [*rows, *loop_rows(case, results)]


async def _memory(
    context: Context, store: _Store, folder: Path, kind: str, loads: Loads
) -> list[Row]:
    """Return how far memory grows with a large file, over an open connection."""
    if not loads.huge:
        return []
    case = f"1 GiB, {kind}, loopback"
    load = Load.make(folder / "huge.mp4", files=1, size=loads.huge)
    runs = await race(
        [store.ours(load)],
        rounds=1,
        folder=store.folder / _TARGET,
        say=context.say,
        case=case,
    )
    growth = median(run.memory or 0 for run in runs[Name.OURS]) / MIB
    return [
        Row(
            case=case,
            figure="memory: highest growth while it is sent",
            result=f"{growth:.1f} MiB",
            value=growth,
            wanted=targets.STORE_MEMORY,
        )
    ]


@asynccontextmanager
async def _bucket(context: Context) -> AsyncIterator[tuple[_Store, Path]]:
    with fast_place(_ROOM, fallback=context.folder) as place:
        context.note(f"A bucket's files lie in {place.kind}")
        root = place.folder / "server" / "buckets"
        async with RcloneS3(root, bucket=_BUCKET) as server:
            yield (
                _Store(
                    sender="s3",
                    settings={
                        "endpoint_url": server.url,
                        "region": "us-east-1",
                        "bucket": _BUCKET,
                        "access_key_id": ACCESS_KEY,
                        "secret_access_key": SECRET_KEY,
                        "path": _TARGET,
                    },
                    remote={
                        "type": "s3",
                        "provider": "Rclone",
                        "endpoint": server.url,
                        "access_key_id": ACCESS_KEY,
                        "secret_access_key": SECRET_KEY,
                    },
                    remote_path=f"{_BUCKET}/{_TARGET}",
                    folder=server.folder,
                    logs=context.folder,
                ),
                place.folder,
            )


@asynccontextmanager
async def _dav(context: Context) -> AsyncIterator[tuple[_Store, Path]]:
    with fast_place(_ROOM, fallback=context.folder) as place:
        context.note(f"A WebDAV server's files lie in {place.kind}")
        # Apache is another user where we are root.
        place.folder.chmod(0o755)
        server = Apache(place.folder / "apache")
        try:
            await server.start()
            url = f"http://{HOST}:{server.port}"
            yield (
                _Store(
                    sender="webdav",
                    settings={
                        "url": url,
                        "username": USERNAME,
                        "password": PASSWORD,
                        "path": _TARGET,
                    },
                    remote={
                        "type": "webdav",
                        "url": url,
                        "vendor": "other",
                        "user": USERNAME,
                        "pass": await obscured(PASSWORD, folder=context.folder),
                    },
                    remote_path=_TARGET,
                    folder=server.root,
                    logs=context.folder,
                ),
                place.folder,
            )
        finally:
            server.remove()
