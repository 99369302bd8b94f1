"""What one run of one contender took."""

from dataclasses import asdict, dataclass
from typing import Any, Self

from .measure import Delay


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Seconds and CPU seconds of a transfer; and more, of those in Python.

    `cold_seconds` is that of another transfer, from the begin of the connection
    on; `delay` that of the event loop in a third one, `idle` without any; `memory` is by
    how many bytes that of the process grew in the third.
    """

    seconds: float
    cpu: float
    cold_seconds: float | None = None
    delay: Delay | None = None
    idle: Delay | None = None
    memory: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` takes."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Return the run that another process has told of."""
        delays = {
            name: Delay(**data[name]) if data[name] else None
            for name in ("delay", "idle")
        }
        return cls(**{**data, **delays})
