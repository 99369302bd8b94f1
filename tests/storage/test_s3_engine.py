"""A bucket behind the engine: what a kill or a removal leaves unfinished is ended."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
import time

import pytest

from custom_components.frigate_snap_sync.frigate.errors import FrigateUnreachable
from custom_components.frigate_snap_sync.storage.base import Destination
from custom_components.frigate_snap_sync.storage.s3.destination import S3Destination
from custom_components.frigate_snap_sync.storage.s3.settings import Proof
from custom_components.frigate_snap_sync.storage.wrappers import wrapped

from ..films import box, film
from ..harness.network import HOST
from ..harness.processes import free_port
from ..sync.conftest import FAST, Bench, bench, setup
from ..sync.fakes import Write
from ..waiting import LONG, until
from .places import Ceph, Place, s3_settings, sessions
from .test_s3 import Bucket, at_ceph, unfinished
from .test_s3_answers import odd_server

__all__ = ["bench"]

MIB = 1024 * 1024
SECONDS = 60

SLOW = 4 * MIB
"""Bytes a second that leave time to break in."""


@asynccontextmanager
async def bucket(place: Place, *, rate: int = 0) -> AsyncGenerator[Destination]:
    """Yield the place's bucket as a new process would have it."""
    assert isinstance(place, Ceph)
    settings = s3_settings(f"http://{HOST}:{place.network.port}", bucket=place.bucket)
    async with sessions() as open_session:
        destination = wrapped(
            S3Destination(settings, open_session=open_session), rate=rate
        )
        yield destination
        await destination.close()


def large_film(seconds: float) -> bytes:
    """Return a recording so large that it goes in parts."""
    whole = film(seconds)
    begin = len(box(b"ftyp", b"isom"))
    return whole[:begin] + box(b"free", bytes(75 * MIB)) + whole[begin:]


async def give(seconds: float, write: Write) -> int:
    """Be a Frigate whose recordings are large."""
    clip = large_film(seconds)
    for start in range(0, len(clip), MIB):
        await write(clip[start : start + MIB])
    return len(clip)


def large_recording(
    bench: Bench, film: Callable[[float, Write], Awaitable[int]] = give
) -> None:
    """Let Frigate publish a review whose recording is large."""
    bench.frigate.film = film
    start = time.time() - 2 * SECONDS
    bench.review("end", start=start, end=start + SECONDS, known=True)


def is_complete(place: Place, bench: Bench) -> bool:
    """Tell whether the recording, and nothing else, lies in the bucket."""
    (path,) = place.paths()
    _, start, end = bench.frigate.clips[-1]
    return place.content(path) == large_film(end - start)


@at_ceph
async def test_killed_in_mid_multipart(place: Place, bench: Bench) -> None:
    """The next start ends what the kill left, by the id in the ledger, and sends all."""
    assert isinstance(place, Ceph)
    async with bucket(place, rate=SLOW) as slow:
        await bench.start(setup(slow))
        large_recording(bench)
        await until(lambda: unfinished(place))
        (lost,) = unfinished(place)
        # As in a kill nothing more reaches the server: not even that it is to end.
        there, place.network.target_port = place.network.target_port, free_port()
        place.network.cut()
        await bench.stop()
    assert unfinished(place) == [lost]
    place.network.target_port = there
    async with bucket(place) as again:
        await bench.start(setup(again))
        assert await bench.settled() == {"verified": 1}
        await bench.stop()
    assert unfinished(place) == []
    assert is_complete(place, bench)


@at_ceph
async def test_removed_in_mid_multipart(place: Place, bench: Bench) -> None:
    """Nothing would look for it later."""
    async with bucket(place, rate=SLOW) as slow:
        await bench.start(setup(slow))
        large_recording(bench)
        await until(lambda: unfinished(place))
        await bench.engine.apply_destinations([])
        await until(lambda: not unfinished(place))
    assert place.paths() == set()


class Halted:
    """A Frigate that gives most of a large recording, and the rest when it may."""

    def __init__(self) -> None:
        """Give nothing yet."""
        self.may_end = asyncio.Event()
        self.failure: Exception | None = None
        self.downloads = 0

    async def give(self, seconds: float, write: Write) -> int:
        """Give a clip."""
        self.downloads += 1
        clip = large_film(seconds)
        for start in range(0, len(clip) - MIB, MIB):
            await write(clip[start : start + MIB])
        await self.may_end.wait()
        if self.failure is not None:
            failure, self.failure = self.failure, None
            raise failure
        await write(clip[-(len(clip) % MIB or MIB) :])
        return len(clip)


async def sent(place: Place, size: int) -> None:
    """Wait until so many bytes of unfinished uploads have arrived."""
    assert isinstance(place, Ceph)
    boto, bucket = place.boto, place.bucket

    def count() -> int:
        found = boto.list_multipart_uploads(Bucket=bucket).get("Uploads", [])
        return sum(
            part["Size"]
            for upload in found
            for part in boto.list_parts(
                Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"]
            ).get("Parts", [])
        )

    # In a thread, and now and then: what it waits for runs here.
    async with asyncio.timeout(LONG):
        while await asyncio.to_thread(count) < size:
            await asyncio.sleep(0.2)


@pytest.mark.parametrize("fails", [False, True], ids=["whole", "broken"])
@at_ceph
async def test_a_recording_leaves_while_it_is_downloaded(
    place: Place, bench: Bench, fails: bool
) -> None:
    """It is in the bucket once the download was checked; if that breaks, nothing is."""
    frigate = Halted()
    if fails:
        frigate.failure = FrigateUnreachable("The line was cut")
    async with bucket(place) as destination:
        await bench.start(setup(destination))
        large_recording(bench, frigate.give)
        await sent(place, 64 * MIB)
        assert place.paths() == set()
        frigate.may_end.set()
        assert await bench.settled() == {"verified": 1}
        await bench.stop()
    assert frigate.downloads == (2 if fails else 1)
    assert unfinished(place) == []
    assert is_complete(place, bench)


async def test_a_key_that_lost_its_rights(bench: Bench) -> None:
    """The destination fails then; no copy is taken for one that is gone."""
    bench.timing = replace(FAST, audit=0, probe=0.05)
    server = Bucket()
    async with odd_server(
        server.handle, proof=Proof.ETAG, can_list=True, limits_known=True
    ) as destination:
        await bench.start(setup(destination))
        bench.live_snapshot()
        assert await bench.settled() == {"verified": 1}
        server.denies = True
        await until(
            lambda: (
                bench.status.destinations["nas"].failing_since
                or bench.status.losses.count
            )
        )
        assert bench.status.losses.count == 0
        await bench.stop()
