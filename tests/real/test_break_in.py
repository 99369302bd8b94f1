"""The recorder is taken in the middle of a break-in."""

from pathlib import Path

import pytest

from ..harness.chaos.break_in import run_break_ins


@pytest.mark.timeout(300)
async def test_break_in(tmp_path: Path) -> None:
    """Of all but its last seconds there is playable footage on the SFTP server."""
    said: list[str] = []
    break_ins = await run_break_ins(tmp_path, say=said.append)
    assert [break_in.seconds for break_in in break_ins] == [30, 60, 120]
    report = "\n".join(break_in.line() for break_in in break_ins)
    assert all(break_in.is_good for break_in in break_ins), report
