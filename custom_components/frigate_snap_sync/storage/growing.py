"""Film that is still being made, at a destination: a file that grows, or pieces."""

from abc import ABC, abstractmethod

from .errors import Rejected


class AlreadyThere(Rejected):
    """Something lies under the name that a file was to get: it needs another one."""


class GrowingFile(ABC):
    """A new file under its final name, which is of use at every length it has.

    Who writes says where, so that what failed can't shift what follows. Bytes are
    written in order, a few writes at a time; nothing is ever written again. A file
    whose connection broke is not taken up again: what lies there stays.
    """

    @abstractmethod
    async def write(self, data: bytes, *, at: int) -> None:
        """Write some bytes from position `at` on; return when the destination has them.

        A kind that has only the disk's cache between itself and a power cut waits for
        the disk once a second. Raises `StorageError`.
        """

    @abstractmethod
    async def close(self) -> int:
        """Have it on the disk, and close it; return its size there.

        To be called once, whatever became of the writes. Raises `StorageError`, and
        leaves nothing open all the same.
        """
