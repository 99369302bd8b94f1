"""The probe that times starts and uploads of an engine with a ledger it is given."""

from collections.abc import AsyncGenerator
from pathlib import Path, PurePosixPath
from statistics import median
from typing import Final, override

from custom_components.frigate_snap_sync.storage.base import (
    Destination,
    Source,
    StoredFile,
)

from .child import Job
from .measure import cpu_seconds
from .probe import probe_main
from .rig import destination_setup, new_image, open_rig, review_message

_IMAGE_SIZE: Final = 10_000
_WARM_UP: Final = 20
_REVIEW_SECONDS: Final = 10.0


class NullDestination(Destination):
    """Takes everything at once and keeps nothing but the sizes.

    Of what it never got it says the size of another file of that kind.
    """

    def __init__(self, sizes: dict[str, int]) -> None:
        """Keep sizes by the first word of the file's name."""
        self.sizes = sizes

    @override
    async def connect(self) -> None:
        """Be there."""

    @override
    async def close(self) -> None:
        """Be there all the same."""

    @override
    async def put(self, path: str, source: Source, *, temporary: str) -> StoredFile:
        size = source.size
        self.sizes[_kind(path)] = size
        return StoredFile(path=path, size=size)

    @override
    async def stat(self, path: str) -> StoredFile | None:
        size = self.sizes.get(_kind(path))
        return None if size is None else StoredFile(path=path, size=size)

    @override
    async def delete(self, path: str) -> None:
        """There is nothing."""

    @override
    async def list_files(self, path: str = "") -> AsyncGenerator[StoredFile]:
        for kind, size in self.sizes.items():
            yield StoredFile(path=kind, size=size)

    @override
    async def open_read(
        self, path: str, *, start: int = 0, length: int | None = None
    ) -> AsyncGenerator[bytes]:
        yield bytes(self.sizes[_kind(path)])

    @override
    async def free_space(self) -> int | None:
        return None


def _kind(path: str) -> str:
    return PurePosixPath(path).name.partition("-")[0]


async def _write_template(job: Job) -> Job:
    """Let an engine write what comes of an item of each kind; return their sizes."""
    destination = NullDestination({})
    async with open_rig(
        url=job["url"], ledger=Path(job["ledger"]), spool=Path(job["spool"])
    ) as rig:
        await rig.start([destination_setup("null", destination)])
        await rig.connected()
        rig.publish("events", job["object"].encode())
        rig.publish("reviews", review_message(seconds=_REVIEW_SECONDS))
        await rig.uploads(2)
        await rig.live_snapshot(new_image(_IMAGE_SIZE))
    return {"sizes": destination.sizes}


async def _time(job: Job) -> Job:
    """Time the first start, another one with uploads, and one after a crash."""
    ledger, spool = Path(job["ledger"]), Path(job["spool"])
    setup = destination_setup("null", NullDestination(job["sizes"]))
    async with open_rig(url=job["url"], ledger=ledger, spool=spool) as rig:
        first = await rig.start([setup])
    async with open_rig(url=job["url"], ledger=ledger, spool=spool) as rig:
        again = await rig.start([setup])
        await rig.connected()
        for _ in range(_WARM_UP):
            await rig.live_snapshot(new_image(_IMAGE_SIZE))
        images = [new_image(_IMAGE_SIZE) for _ in range(job["count"])]
        used = cpu_seconds()
        times = [await rig.live_snapshot(image) for image in images]
        used = cpu_seconds() - used
    # Closed in order it is gone; SQLite finds nothing in it.
    ledger.with_name(f"{ledger.name}-wal").touch()
    async with open_rig(url=job["url"], ledger=ledger, spool=spool) as rig:
        crashed = await rig.start([setup])
    return {
        "first": first,
        "again": again,
        "crashed": crashed,
        "upload": median(times),
        "cpu": used / job["count"],
    }


async def _work(job: Job) -> Job:
    return await (_time(job) if "sizes" in job else _write_template(job))


if __name__ == "__main__":
    probe_main(_work)
