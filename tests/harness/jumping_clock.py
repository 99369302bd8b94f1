"""A Python program whose wall clock can be set, as that of a machine can.

    python jumping_clock.py OFFSET_FILE MODULE ARGUMENTS…

runs a module with a wall clock that is as many seconds ahead as the file says.
Timers go on by the monotonic clock, as they do on a machine whose clock is set.
(libfaketime can't be used: Python's `time.sleep` fails under it.)
"""

import copyreg
import datetime as dt
import mmap
from pathlib import Path
import runpy
import struct
import sys
import time
from typing import Any, override

_FORMAT = "d"


class JumpingClock:
    """The other end: sets the clock of the programs that run with this file."""

    def __init__(self, file: Path) -> None:
        """Make the file; the clock is right."""
        self.file = file
        self.ahead = 0.0
        file.write_bytes(struct.pack(_FORMAT, 0))

    def set(self, ahead: float) -> None:
        """Let the clock be so many seconds ahead of the machine's from now on."""
        self.ahead = ahead
        with self.file.open("r+b") as file:
            file.write(struct.pack(_FORMAT, ahead))


def install(file: Path) -> None:
    """Let this program's wall clock follow the file."""
    with file.open("rb") as opened:
        shared = mmap.mmap(opened.fileno(), 0, prot=mmap.PROT_READ)
    real_time, real_time_ns, real = time.time, time.time_ns, dt.datetime

    def ahead() -> float:
        return float(struct.unpack_from(_FORMAT, shared)[0])

    def now() -> float:
        return real_time() + ahead()

    def now_ns() -> int:
        return real_time_ns() + int(ahead() * 1_000_000_000)

    class Meta(type):
        """All datetimes are instances of the one that stands in for theirs."""

        @override
        def __instancecheck__(cls, instance: object) -> bool:
            return isinstance(instance, real)

        @override
        def __subclasscheck__(cls, subclass: type) -> bool:
            return issubclass(subclass, real)

    class Datetime(dt.datetime, metaclass=Meta):
        """Makes real datetimes, by this clock."""

        def __new__(cls, *args: Any, **kwargs: Any) -> Any:
            return real.__new__(real if cls is Datetime else cls, *args, **kwargs)

        @classmethod
        @override
        def now(cls, tz: dt.tzinfo | None = None) -> Any:
            return real.fromtimestamp(now(), tz)

        @classmethod
        @override
        def utcnow(cls) -> Any:
            return real.fromtimestamp(now(), dt.UTC).replace(tzinfo=None)

        @classmethod
        @override
        def today(cls) -> Any:
            return real.fromtimestamp(now())

    def reduce(moment: dt.datetime) -> tuple[Any, ...]:
        return Datetime, moment.__reduce__()[1]

    for name in ("__module__", "__name__", "__qualname__"):
        setattr(Datetime, name, getattr(real, name))
    copyreg.pickle(real, reduce)
    time.time, time.time_ns = now, now_ns
    dt.datetime = Datetime  # type: ignore[misc]


if __name__ == "__main__":
    install(Path(sys.argv[1]))
    sys.argv = sys.argv[2:]
    # As with `python -m`, and not the folder of this file.
    sys.path[0] = ""
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
