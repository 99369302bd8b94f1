"""Destinations that came later get what was before them, if somebody asks for it."""

from dataclasses import replace
import time

import pytest

from custom_components.frigate_snap_sync.frigate.models import Severity
from custom_components.frigate_snap_sync.sync.destination import DestinationSetup
from custom_components.frigate_snap_sync.sync.naming import NameValues
from custom_components.frigate_snap_sync.sync.policy import Selection

from .conftest import FAST, Bench, setup, until
from .fakes import CLIP, FULL_IMAGE, FakeDestination
from .test_catch_up import age, ids, review, show, tracked
from .test_incomplete import Damage

HOUR = 3600.0


@pytest.fixture
def nas() -> FakeDestination:
    """Return a destination that was there from the beginning."""
    return FakeDestination()


@pytest.fixture
def cloud() -> FakeDestination:
    """Return a destination that comes later."""
    return FakeDestination()


@pytest.fixture
async def known(bench: Bench, nas: FakeDestination) -> Bench:
    """Return a bench on which the first destination has a review and an object."""
    await age(bench, nas, hours=2)
    show(bench, review("visit", -500, -400), tracked("person", -500, -450))
    await bench.start(setup(nas))
    await until(lambda: ids(nas) == {"visit", "person"})
    assert await bench.settled() == {"verified": 2}
    return bench


async def join(bench: Bench, *setups: DestinationSetup) -> None:
    """Let these be the destinations."""
    await bench.engine.apply_destinations(setups)


async def test_it_gets_what_others_have(
    known: Bench, nas: FakeDestination, cloud: FakeDestination
) -> None:
    """But only if that time is asked for; and nobody gets it twice."""
    await join(known, setup(nas), setup(cloud, name="cloud"))
    assert await known.engine.catch_up() == 0
    assert await known.engine.catch_up(look_back=HOUR) == 2
    await until(lambda: ids(cloud) == {"visit", "person"})
    assert sorted(cloud.media.values(), key=len) == sorted([CLIP, FULL_IMAGE], key=len)
    assert set(cloud.media) == set(nas.media)
    assert await known.settled() == {"verified": 4}
    assert await known.engine.catch_up(look_back=HOUR) == 0
    assert len(nas.history) == 2
    assert len(known.frigate.clips) == 2
    await until(lambda: not known.spooled())
    await until(lambda: known.status.destinations["cloud"].recordings_uploaded == 1)
    assert known.status.cameras["front_door"].recordings_uploaded == 1


async def test_it_gets_only_what_it_wants(
    known: Bench, nas: FakeDestination, cloud: FakeDestination
) -> None:
    """Its selection holds, and so does its own way of naming."""

    def render(values: NameValues) -> str:
        return f"late/{values.id}"

    selection = Selection(labels=frozenset({"person"}), severity=Severity.ALERT)
    late = setup(cloud, name="cloud", selection=selection, render=render)
    show(known, replace(review("cat", -300, -200), labels=frozenset({"cat"})))
    await known.engine.catch_up()
    await until(lambda: "cat" in ids(nas))
    await join(known, setup(nas), late)
    assert await known.engine.catch_up(look_back=HOUR) == 2
    await known.settled()
    assert set(cloud.media) == {"late/visit.mp4", "late/person.jpg"}


async def test_what_nobody_wanted_before(
    bench: Bench, nas: FakeDestination, cloud: FakeDestination
) -> None:
    """It is known, but there is nothing of it."""
    await age(bench, nas, hours=2)
    show(bench, review("visit", -500, -400))
    nobody = setup(nas, selection=Selection(cameras=frozenset({"elsewhere"})))
    await bench.start(nobody)
    await until(lambda: bench.frigate.windows)
    await bench.engine.catch_up()
    assert not bench.frigate.clips
    await join(bench, nobody, setup(cloud, name="cloud"))
    assert await bench.engine.catch_up(look_back=HOUR) == 1
    await until(lambda: ids(cloud) == {"visit"})
    assert not nas.media


async def test_a_long_one_comes_in_all_its_pieces(
    bench: Bench, nas: FakeDestination, cloud: FakeDestination
) -> None:
    """Under the names that the others have."""
    await age(bench, nas, hours=9)
    show(bench, review("long", -4000, -300))
    await bench.start(setup(nas))
    await until(lambda: len(nas.media) == 3)
    await bench.settled()
    await join(bench, setup(nas), setup(cloud, name="cloud"))
    assert await bench.engine.catch_up(look_back=HOUR) == 1
    await until(lambda: set(cloud.media) == set(nas.media))
    assert await bench.settled() == {"verified": 6}


async def test_what_lies_in_the_spool_is_not_fetched_again(
    bench: Bench, nas: FakeDestination, cloud: FakeDestination
) -> None:
    """Another destination still waits for it."""
    await age(bench, nas, hours=2)
    nas.gate.clear()
    show(bench, review("visit", -500, -400))
    await bench.start(setup(nas))
    await bench.spooled_in_ledger(1)
    await join(bench, setup(nas), setup(cloud, name="cloud"))
    assert await bench.engine.catch_up(look_back=HOUR) == 1
    await until(lambda: ids(cloud) == {"visit"})
    nas.gate.set()
    assert await bench.settled() == {"verified": 2}
    assert len(bench.frigate.clips) == 1


async def test_what_was_kept_at_home_stays_there(
    bench: Bench, nas: FakeDestination, cloud: FakeDestination
) -> None:
    """Whoever asks for that time."""
    await bench.start(setup(nas))
    await bench.engine.set_uploads(False)
    start = time.time() + 0.01
    await until(lambda: time.time() > start)
    show(bench, review("home", -0.005, 1))
    await bench.engine.catch_up()
    await bench.engine.set_uploads(True)
    await join(bench, setup(nas), setup(cloud, name="cloud"))
    assert await bench.engine.catch_up(look_back=HOUR) == 0
    assert await bench.settled() == {"skipped": 1}
    assert not nas.media
    assert not cloud.media


@pytest.mark.parametrize("is_mended", [True, False])
async def test_what_could_not_be_had_whole(
    bench: Bench, nas: FakeDestination, cloud: FakeDestination, is_mended: bool
) -> None:
    """It gets the same piece, or the whole if there is one now."""
    await age(bench, nas, hours=2)
    bench.timing = replace(FAST, first_retry=0.02, longest_retry=0.02)
    damage = Damage(bench, good=14)
    show(bench, review("visit", -430, -400))
    await bench.start(setup(nas))
    await until(lambda: [path[-14:] for path in nas.media] == ["incomplete.mp4"])
    assert await bench.settled() == {"incomplete": 1, "verified": 1}
    pieces = set(nas.media)
    damage.is_mended = is_mended
    await join(bench, setup(nas), setup(cloud, name="cloud"))
    assert await bench.engine.catch_up(look_back=HOUR) == 1
    if is_mended:
        assert await bench.settled() == {"superseded": 2, "verified": 2}
        await until(lambda: set(cloud.media) == set(nas.media))
        assert len(cloud.media) == 1
        assert set(cloud.media) != pieces
    else:
        assert await bench.settled() == {"incomplete": 2, "verified": 2}
        assert set(cloud.media) == set(nas.media) == pieces


async def test_what_frigate_no_longer_has(
    known: Bench, nas: FakeDestination, cloud: FakeDestination
) -> None:
    """It is gone for those who came too late, and for nobody else."""
    known.frigate.footage = lambda camera, after, before: []
    known.frigate.known_objects.clear()
    known.timing = replace(FAST, gone_after=1)
    await known.stop()
    await known.start(setup(nas))
    await join(known, setup(nas), setup(cloud, name="cloud"))
    assert await known.engine.catch_up(look_back=HOUR) == 1
    assert await known.settled() == {"verified": 2, "gone": 1}
    assert not cloud.media
    assert len(nas.media) == 2
