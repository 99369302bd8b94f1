"""The fire drill at every kind of destination: there, back, and nothing stays."""

import pytest

from custom_components.frigate_snap_sync.storage.names import DRILL_PREFIX
from custom_components.frigate_snap_sync.storage.wrappers import wrapped
from custom_components.frigate_snap_sync.sync.model.drill import Outcome, Proof

from ..sync.conftest import Bench, bench, setup
from ..sync.fakes import CLIP, FULL_IMAGE, camera
from ..waiting import until
from .places import Place
from .test_conformance import PLACES, at, cleaned

__all__ = ["bench"]

CAMERA = "Hof: Süd * 1"
"""Not fit for a file's name as it is."""


@pytest.fixture
def odd(bench: Bench) -> Bench:
    """Let Frigate have that camera, beside the usual ones."""
    bench.frigate.cameras[CAMERA] = camera(CAMERA)
    return bench


@at(PLACES)
async def test_a_drill(place: Place, odd: Bench) -> None:
    """Twice, to see that the first is not in the way of the second."""
    await odd.start(setup(place.destination))
    await until(lambda: CAMERA in odd.status.cameras)
    for _ in range(2):
        (done,) = await odd.engine.drills.run(CAMERA)
        (result,) = done.destinations
        assert (result.outcome, result.proof) == (Outcome.PASSED, Proof.READ_BACK)
        await cleaned(place, set())


@at(PLACES)
async def test_append_only(place: Place, odd: Bench) -> None:
    """Two files stay, and are replaced by those of the next drill."""
    place.plant("a/c.jpg", b"of somebody else")
    kept = wrapped(place.destination, append_only=True)
    await odd.start(setup(kept))
    await until(lambda: CAMERA in odd.status.cameras)
    for _ in range(2):
        (done,) = await odd.engine.drills.run(CAMERA)
        (result,) = done.destinations
        assert result.outcome is Outcome.PASSED
        assert result.proof in (Proof.CHECKSUM, Proof.SIZE)
    drilled = {path for path in place.paths() if path != "a/c.jpg"}
    assert len(drilled) == 2
    assert all(path.startswith(DRILL_PREFIX) for path in drilled)
    contents = [place.content(path) for path in sorted(drilled)]
    assert contents == [FULL_IMAGE, CLIP]
