"""Bytes in the spool that are damaged, or can't be read for a while."""

import time

import pytest

from custom_components.frigate_snap_sync.storage.wrappers import wrapped

from .conftest import Bench, setup, until
from .fakes import CLIP
from .test_copies import LostAnswers, nas, settled_as
from .test_pruner import connection  # noqa: F401 - a fixture

__all__ = ["nas"]


async def test_a_damaged_image_in_the_spool(bench: Bench, nas: LostAnswers) -> None:
    """It exists nowhere else: it is dropped, and never counted or left there."""
    nas.losses = 0
    await bench.start(setup(nas))
    await bench.engine.set_sending("nas", False)
    bench.live_snapshot()
    await bench.spooled_in_ledger(1)
    flip(bench)
    await bench.engine.set_sending("nas", True)
    await settled_as(bench, "dropped")
    assert not nas.history
    await until(lambda: not nas.files)
    await until(lambda: bench.status.destinations["nas"].failed_uploads)
    assert bench.status.destinations["nas"].last_error is None
    assert bench.status.destinations["nas"].connected is True
    await until(lambda: not bench.spooled())


@pytest.mark.parametrize("verify_checksum", [False, True])
async def test_a_damaged_clip_in_the_spool(
    bench: Bench, nas: LostAnswers, verify_checksum: bool
) -> None:
    """Frigate is asked for it again, once; the destination is not to blame."""
    nas.losses = 0
    await bench.start(setup(wrapped(nas, verify=verify_checksum)))
    await bench.engine.set_sending("nas", False)
    bench.review("end", end=time.time() - 30)
    await bench.spooled_in_ledger(1)
    flip(bench)
    await bench.engine.set_sending("nas", True)
    await settled_as(bench, "verified")
    assert list(nas.files.values()) == [CLIP]
    assert len(bench.frigate.clips) == 2
    assert bench.status.destinations["nas"].last_error is None


def flip(bench: Bench) -> None:
    """Let one bit of what lies in the spool change."""
    (name,) = bench.spooled()
    file = bench.folder / "spool" / name
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


async def test_a_spool_file_that_can_not_be_read_for_a_while(
    bench: Bench, nas: LostAnswers
) -> None:
    """A live snapshot waits for the disk; a clip is fetched again."""
    nas.losses = 0
    await bench.start(setup(nas))
    await bench.engine.set_sending("nas", False)
    bench.live_snapshot()
    bench.review("end", end=time.time() - 30)
    await bench.spooled_in_ledger(2)
    spool = bench.folder / "spool"
    (image,) = spool.glob("*.jpg")
    (clip,) = spool.glob("*.mp4")
    for file in (image, clip):
        # As root may read everything, something else that can't be read.
        file.rename(bench.folder / file.name)
        file.symlink_to(bench.folder / file.name)
    await bench.engine.set_sending("nas", True)
    await until(lambda: list(nas.media.values()) == [CLIP])
    assert (await bench.uploads(media="live_snapshots"))[0].state == "pending"
    (bench.folder / image.name).replace(image)
    assert await bench.settled() == {"verified": 2}
    assert bench.status.destinations["nas"].last_error is None
