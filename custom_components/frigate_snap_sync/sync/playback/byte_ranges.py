"""Which bytes of a file an HTTP request asks for (RFC 9110, section 14)."""

from dataclasses import dataclass
import re
from typing import Final

_RANGE: Final = re.compile(r"\s*bytes\s*=\s*(\d*)\s*-\s*(\d*)\s*", re.IGNORECASE)
_MOST_DIGITS: Final = 19


@dataclass(frozen=True, slots=True)
class Span:
    """So many bytes of a file, from `start` on."""

    start: int
    length: int


class Unsatisfiable(Exception):
    """None of the bytes that were asked for is there."""


def asked_span(header: str | None, size: int) -> Span | None:
    """Return the bytes that a `Range` asks for; None for all of the file.

    What is no single range of bytes is no such question, and so is ignored. Raises
    Unsatisfiable.
    """
    match = _RANGE.fullmatch(header or "")
    if match is None or not (match[1] or match[2]):
        return None
    if max(len(match[1]), len(match[2])) > _MOST_DIGITS:
        raise Unsatisfiable
    if not match[1]:
        length = min(int(match[2]), size)
        if not length:
            raise Unsatisfiable
        return Span(size - length, length)
    start = int(match[1])
    end = int(match[2]) if match[2] else size - 1
    if end < start and match[2]:
        return None
    if start >= size:
        raise Unsatisfiable
    return Span(start, min(end, size - 1) - start + 1)
