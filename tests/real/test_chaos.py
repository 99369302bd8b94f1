"""Two minutes of faults, always the same ones: nothing may be lost by them."""

from pathlib import Path

import pytest

from ..harness.chaos.run import run_chaos

SECONDS, SEED = 120, 2
PATIENCE = 150


@pytest.mark.timeout(600)
async def test_chaos(tmp_path: Path) -> None:
    """After all is healed every item is everywhere, once, byte for byte."""
    said: list[str] = []
    result = await run_chaos(
        tmp_path,
        seconds=SECONDS,
        seed=SEED,
        say=said.append,
        patience=PATIENCE,
        hurry=True,
    )
    report = "\n".join([*said, *result.lines(), *result.complaints])
    assert result.is_good, report
    assert result.recovered is not None, report
    assert not result.complaints, report
    assert not result.miscounted, report
    # That much has happened, and could be heard of: else this proves little.
    assert sum(result.faults.values()) >= 8, report
    assert result.items.total() >= 16, report
    assert result.heard >= 0.4, report
    # What was being sent is cancelled within 5 s; Home Assistant takes its time too.
    assert result.longest_stop < 10, report
