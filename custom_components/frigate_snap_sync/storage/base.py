"""The contract of a destination: what it does, and what it raises."""

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .errors import (
    AuthFailed,
    CertificateRefused,
    ConnectTimeout,
    HostKeyChanged,
    InvalidKey,
    InvalidPath,
    NoSftp,
    NoSpace,
    NotMounted,
    PathNotAbsolute,
    PathNotAllowed,
    PathNotFound,
    PermissionDenied,
    Rejected,
    SourceDamaged,
    SourceUnreadable,
    StorageError,
    Throttled,
    Unreachable,
    Unusable,
)

__all__ = [
    "MAX_DEPTH",
    "MAX_SIZE",
    "AuthFailed",
    "CertificateRefused",
    "ConnectTimeout",
    "Destination",
    "HostKeyChanged",
    "InvalidKey",
    "InvalidPath",
    "NoSftp",
    "NoSpace",
    "NotMounted",
    "PathNotAbsolute",
    "PathNotAllowed",
    "PathNotFound",
    "PermissionDenied",
    "Rejected",
    "Source",
    "SourceDamaged",
    "SourceUnreadable",
    "StorageError",
    "StoredFile",
    "Throttled",
    "Unreachable",
    "Unusable",
    "path_segments",
]

MAX_SIZE: Final = 2**63 - 1
"""Bytes that a file or a disk may have: more fits into no file system or ledger."""

MAX_DEPTH: Final = 64
"""Levels of folders below the root that `list_files` goes down to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file of this machine that is to be sent, and the bytes that it must have.

    `size` counts them, `sha256` is their hash in hex.
    """

    path: Path
    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """A file that lies at a destination: its path below the root, its bytes."""

    path: str
    size: int


def path_segments(path: str) -> tuple[str, ...]:
    """Return the segments of a path below a destination's root.

    Raises `InvalidPath` for a path that is not plainly below the root:
    an empty or absolute one, one with an empty segment, `.`, `..` or NUL, or
    one that is no text at all (a lone surrogate that no file system made).
    """
    segments = tuple(path.split("/"))
    if "\0" in path or any(segment in ("", ".", "..") for segment in segments):
        raise InvalidPath(f"{path!r} is not a path below the root")
    try:
        path.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise InvalidPath(f"{path!r} is not a legal name") from None
    return segments


class Destination(ABC):
    """A place that keeps files below one root folder.

    Paths are relative to that root, with `/` between segments, already
    cleaned (`sync.model.naming`); a path that would leave the root raises
    `InvalidPath` before anything is sent. Every method may be called from
    several tasks at once, connects by itself when it must, waits only bounded
    times, and raises only `StorageError` (or `asyncio.CancelledError`, and
    `FileNotFoundError` where a method says so). After `close` it may be used
    again. A generator that is left early is closed with `aclose`.
    """

    @abstractmethod
    async def connect(self) -> None:
        """Make sure that the root can be reached; do nothing if it is.

        Raises the `StorageError` that says why it can't.
        """

    @abstractmethod
    async def close(self) -> None:
        """Let go of every connection. Never waits for the network; never raises.

        What is still under way ends with `Unreachable`.
        """

    @abstractmethod
    async def put(
        self, path: str, source: Source | Path, *, temporary: str
    ) -> StoredFile:
        """Store the local file `source` as `path`, complete or not at all.

        `source` lies on a disk of this machine and is not written meanwhile. Of a
        `Source` the bytes are compared with its hash while they are read, and
        before anything gets the final name; of a plain `Path` nothing is known.

        Folders are made as needed. The bytes go to the name `temporary` (a
        path like `path`, in the same folder), their number is compared with
        the source's, and only then they take the final name in one step,
        replacing what was there (a server that can't replace a file loses the
        old one a moment before). A destination that shows an object only when
        it is complete need not use `temporary`.

        When it fails or is cancelled, `path` holds what it held before, or all
        of the new file if the answer to the last step got lost; `temporary` is
        removed if the destination still answers, and may stay if it does not:
        then call `delete` with that name.

        Raises `Rejected` when the size differs, `FileNotFoundError` when the
        source is gone, `SourceDamaged` when it is not what it should be,
        `SourceUnreadable` when it can't be read, else the `StorageError` of the
        cause, whose `step` says what failed: `MAKING`, `CHECKING` or `RENAMING`;
        None is the writing.
        """

    @abstractmethod
    async def stat(self, path: str) -> StoredFile | None:
        """Return the file at `path`, or None if there is none."""

    @abstractmethod
    async def delete(self, path: str) -> None:
        """Remove the file at `path`; succeeds when there is none."""

    async def make_folder(self, path: str) -> bool:
        """Make the folder at `path`, whose parent is there; tell whether it was missing.

        A destination without folders has nothing to do.
        """
        return False

    async def remove_folder(self, path: str) -> None:  # noqa: B027 - see below
        """Remove the folder at `path` if it is empty; succeeds when there is none.

        Raises the `StorageError` of a refusal, which a folder with something in
        it is too. A destination without folders has nothing to do.
        """

    @abstractmethod
    def list_files(self, path: str = "") -> AsyncGenerator[StoredFile]:
        """Yield every file below the folder `path`, at any depth, in any order.

        A folder that does not exist yields nothing.
        """

    @abstractmethod
    def open_read(self, path: str) -> AsyncGenerator[bytes]:
        """Yield the bytes of the file at `path` in pieces of at most 1 MiB.

        Raises `FileNotFoundError` when there is no such file.
        """

    @abstractmethod
    async def free_space(self) -> int | None:
        """Return the free bytes for new files, or None if nobody can know."""
