"""A few bytes of memory that are to be sent."""

from collections.abc import AsyncGenerator
import hashlib
from typing import override

from .base import Source
from .source import PIECE_SIZE


class MemorySource(Source):
    """Bytes that lie in memory; urgent ones, for who has time puts them on the disk."""

    def __init__(self, name: str, data: bytes) -> None:
        """Take the bytes, which are hashed here: a few megabytes at most."""
        self._name = name
        self._data = data
        self._sha256 = hashlib.sha256(data).hexdigest()

    @property
    @override
    def name(self) -> str:
        return self._name

    @property
    @override
    def size(self) -> int:
        return len(self._data)

    @property
    @override
    def sha256(self) -> str | None:
        return self._sha256

    @property
    @override
    def is_urgent(self) -> bool:
        return True

    @override
    async def open(self) -> AsyncGenerator[bytes]:
        for start in range(0, len(self._data), PIECE_SIZE):
            yield self._data[start : start + PIECE_SIZE]
