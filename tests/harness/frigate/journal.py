"""What was asked of the simulated Frigate, and what it gave."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
import hashlib
import time

_REQUESTS = 5000
_BODY_BYTES = 256 * 1024 * 1024


@dataclass(slots=True, kw_only=True)
class Served:
    """A request and its answer. `body` is what the answer held, if it was kept.

    `complete` says that the whole of it was handed over without a fault.
    """

    at: float
    method: str
    path: str
    """Below the base path, without the query."""
    query: str
    headers: Mapping[str, str]
    status: int | None = None
    body: bytes | None = None
    complete: bool = False


class Journal:
    """The last requests in order; bodies are kept of media, within a limit."""

    def __init__(self) -> None:
        """Begin empty."""
        self._served: deque[Served] = deque(maxlen=_REQUESTS)
        self._paths: dict[str, set[str]] = {}
        self._first: dict[str, float] = {}

    def add(self, served: Served) -> None:
        """Write down a request as it comes in."""
        self._served.append(served)

    def keep_body(self, served: Served, body: bytes) -> None:
        """Keep what was answered, and let go of the oldest beyond the limit."""
        served.body = body
        total = 0
        for one in reversed(self._served):
            if one.body is not None:
                total += len(one.body)
                if total > _BODY_BYTES:
                    one.body = None

    def remember(self, path: str, body: bytes) -> None:
        """Write down that these bytes are the whole of what lies at a path."""
        if body:
            digest = hashlib.sha256(body).hexdigest()
            self._paths.setdefault(digest, set()).add(path)
            self._first.setdefault(digest, time.monotonic())

    def paths_of(self, sha256: str) -> frozenset[str]:
        """Return the paths that bytes of this SHA-256 (hex) were ever the whole of."""
        return frozenset(self._paths.get(sha256, ()))

    def first_served(self, sha256: str) -> float:
        """Return when bytes of this SHA-256 (hex) were first given: monotonic."""
        return self._first[sha256]

    def find(self, path: str = "*", *, method: str = "GET") -> list[Served]:
        """Return the requests whose path matches a pattern as of a shell."""
        return [
            served
            for served in self._served
            if served.method == method and fnmatchcase(served.path, path)
        ]

    def count(self, path: str = "*") -> int:
        """Return how many times it was asked for."""
        return len(self.find(path))

    def bodies(self, path: str = "*") -> list[bytes]:
        """Return the bodies, kept and complete, that were given for it."""
        return [
            served.body
            for served in self.find(path)
            if served.complete and served.body is not None
        ]

    def clear(self) -> None:
        """Forget all."""
        self._served.clear()
        self._paths.clear()
        self._first.clear()
