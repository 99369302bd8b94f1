"""Faults to be laid upon the answers of the simulated Frigate."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from fnmatch import fnmatchcase

from .answers import Answer

LONGEST_HANG = 600.0

_NGINX_TITLES = {
    401: "Authorization Required",
    403: "Forbidden",
    404: "Not Found",
    429: "Too Many Requests",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Temporarily Unavailable",
    504: "Gateway Time-out",
}


class Kind(StrEnum):
    """What goes wrong."""

    STATUS = "status"
    """The answer is an error: JSON for 400, else a page of nginx."""
    EMPTY = "empty"
    """200 and nothing in it."""
    HTML = "html"
    """200 and a web page."""
    TRUNCATED = "truncated"
    """The answer ends early, in an orderly way: as when ffmpeg has failed."""
    HANG = "hang"
    """Some of the answer comes, then nothing any more, and at last a reset."""
    SILENT = "silent"
    """Nothing comes for long, not even a header; then the answer."""
    RESET = "reset"
    """Some of the answer comes, then the connection breaks."""
    SLOW = "slow"
    """The answer comes at `rate` bytes a second."""
    LARGE = "large"
    """The film has `after` bytes more, in a box that players skip."""


@dataclass(slots=True, kw_only=True)
class Fault:
    """One rule: what goes wrong, where, and how many times (None: until removed).

    `path` is a pattern as of a shell, for the path below the base path and
    without the query. `after`: bytes that still come (None: half of them), or that
    come more of what is large.
    `seconds`: how long a hang takes.
    """

    kind: Kind
    path: str = "*"
    times: int | None = 1
    status: int = 500
    after: int | None = None
    rate: float = 1024
    seconds: float = LONGEST_HANG

    def cut(self, body: bytes) -> bytes:
        """Return the part of the body that still comes."""
        return body[: len(body) // 2 if self.after is None else self.after]

    def _grown(self, film: bytes) -> bytes:
        """Return the film with more bytes behind its first box."""
        first = int.from_bytes(film[:4])
        size = self.after or 0
        box = (8 + size).to_bytes(4) + b"free" + bytes(size)
        return film[:first] + box + film[first:]

    def change(self, answer: Answer) -> Answer:
        """Return what is answered in the place of `answer`."""
        match self.kind:
            case Kind.STATUS if self.status == 400:
                return Answer.failure(400, "Simulated failure")
            case Kind.STATUS:
                title = _NGINX_TITLES.get(self.status, "Error")
                return Answer.nginx(self.status, title)
            case Kind.EMPTY:
                return replace(answer, status=200, body=b"")
            case Kind.HTML:
                return Answer.nginx(200, "Frigate")
            case Kind.TRUNCATED:
                return replace(answer, body=self.cut(answer.body))
            case Kind.LARGE if answer.status == 200:
                return replace(answer, body=self._grown(answer.body))
            case _:
                return answer


class Faults:
    """The rules in force, the oldest first; each request meets at most one."""

    def __init__(self) -> None:
        """Begin without a fault."""
        self._rules: list[Fault] = []

    def add(
        self,
        kind: Kind,
        path: str = "*",
        *,
        times: int | None = 1,
        status: int = 500,
        after: int | None = None,
        rate: float = 1024,
        seconds: float = LONGEST_HANG,
    ) -> Fault:
        """Add a rule, with the values of `Fault`."""
        fault = Fault(
            kind=kind,
            path=path,
            times=times,
            status=status,
            after=after,
            rate=rate,
            seconds=seconds,
        )
        self._rules.append(fault)
        return fault

    @contextmanager
    def during(
        self,
        kind: Kind,
        path: str = "*",
        *,
        status: int = 500,
        after: int | None = None,
        rate: float = 1024,
        seconds: float = LONGEST_HANG,
    ) -> Iterator[None]:
        """Have a fault, however many times it is met, until the block ends."""
        fault = self.add(
            kind,
            path,
            times=None,
            status=status,
            after=after,
            rate=rate,
            seconds=seconds,
        )
        try:
            yield
        finally:
            self.remove(fault)

    def remove(self, fault: Fault) -> None:
        """Take a rule away; one that is used up is gone already."""
        self._rules = [rule for rule in self._rules if rule is not fault]

    def clear(self) -> None:
        """Take all rules away."""
        self._rules.clear()

    def take(self, path: str) -> Fault | None:
        """Return the fault that a request of this path meets, and count it."""
        for fault in self._rules:
            if not fnmatchcase(path, fault.path):
                continue
            if fault.times is not None:
                fault.times -= 1
                if fault.times <= 0:
                    self.remove(fault)
            return fault
        return None
