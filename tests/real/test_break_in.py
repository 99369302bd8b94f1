"""The recorder is taken in the middle of break-ins."""

import pytest
import pytest_asyncio

from ..harness.chaos.break_in import SECONDS, BreakIn, run_break_ins


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="break_ins")
async def fixture_break_ins(
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[int, BreakIn]:
    """Let them happen, one at each camera, and return them by their length."""
    folder = tmp_path_factory.mktemp("break_in")
    break_ins = await run_break_ins(folder, say=print)
    return {break_in.seconds: break_in for break_in in break_ins}


@pytest.mark.parametrize("seconds", SECONDS)
def test_break_in(break_ins: dict[int, BreakIn], seconds: int) -> None:
    """All but its last seconds plays on the SFTP server, live to the very last ones."""
    break_in = break_ins[seconds]
    print(break_in.line())  # noqa: T201 - what a failing run has seen
    assert break_in.is_good, break_in.line()
