"""How many files are sent to one destination at once."""

import pytest

from custom_components.frigate_snap_sync.storage.base import Capabilities
from custom_components.frigate_snap_sync.sync.model.rank import Rank
from custom_components.frigate_snap_sync.sync.sending.queue import STILLS, lanes_for


@pytest.mark.parametrize(
    ("max_concurrent", "stills"),
    [(None, 8), (100, 8), (4, 4), (1, 1), (0, 1)],
)
def test_lanes(max_concurrent: int | None, stills: int) -> None:
    """Stills get what the destination takes at once; each rank has a lane."""
    lanes = lanes_for(Capabilities(max_concurrent=max_concurrent), stills_at_once=8)
    assert lanes.count(STILLS) == stills
    assert {rank for ranks in lanes for rank in ranks} == set(Rank)
    others = [ranks for ranks in lanes if ranks != STILLS]
    assert len(others) == 2
    assert not set(others[0]) & set(others[1])
