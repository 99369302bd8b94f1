"""A program's wall clock can be set while it runs, and nothing else of it."""

import json
from pathlib import Path
import subprocess
import sys
import time

from . import jumping_clock
from .jumping_clock import JumpingClock

PROGRAM = """
import copy, datetime, json, pickle, sys, time

for line in sys.stdin:
    now = datetime.datetime.now(datetime.UTC)
    steady = time.monotonic()
    json.dump([
        time.time(), time.time_ns() / 1e9, now.timestamp(),
        datetime.datetime.now().timestamp(), datetime.datetime.today().timestamp(),
        pickle.loads(pickle.dumps(now)).timestamp(), copy.deepcopy(now).timestamp(),
    ], sys.stdout)
    assert type(now) is type(datetime.datetime(2026, 1, 1))
    assert isinstance(now, datetime.datetime) and isinstance(now, datetime.date)
    assert not isinstance(now.date(), datetime.datetime)
    assert datetime.datetime.fromisoformat("2026-01-02").day == 2
    time.sleep(0.01)
    assert 0 < time.monotonic() - steady < 60
    print(flush=True)
"""


def test_it_is_set(tmp_path: Path) -> None:
    """All ways to ask for the time agree, ahead and behind and right again."""
    (tmp_path / "program.py").write_text(PROGRAM)
    clock = JumpingClock(tmp_path / "clock")
    with subprocess.Popen(
        [sys.executable, jumping_clock.__file__, str(clock.file), "program"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
    ) as program:
        assert program.stdin is not None
        assert program.stdout is not None
        for ahead in (0, 10800, -10800, 0):
            clock.set(ahead)
            before = time.time() + ahead
            program.stdin.write("\n")
            program.stdin.flush()
            times = json.loads(program.stdout.readline())
            after = time.time() + ahead
            assert min(times) >= before - 0.001
            assert max(times) <= after + 0.001
        program.stdin.close()
    assert program.returncode == 0
