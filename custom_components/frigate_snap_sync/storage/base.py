"""The contract of a destination: what it does, and what it raises."""

from abc import ABC, abstractmethod
import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
import hashlib
from pathlib import Path
from typing import Any, Final

from .errors import InvalidPath, Rejected
from .growing import GrowingFile

MAX_SIZE: Final = 2**63 - 1
"""Bytes that a file or a disk may have: more fits into no file system or ledger."""

MAX_DEPTH: Final = 64
"""Levels of folders below the root that `list_files` goes down to."""


class Source(ABC):
    """Bytes that are to be sent, of which it is known beforehand what they must be."""

    @property
    @abstractmethod
    def name(self) -> str:
        """Return what errors call it."""

    @property
    @abstractmethod
    def size(self) -> int:
        """Return how many bytes there are.

        Of a source that still grows (see `Capabilities.unsized_from`) it is how many there
        are so far, until `open` has come to its end.
        """

    @property
    @abstractmethod
    def sha256(self) -> str | None:
        """Return their hash in hex, None if it is not known."""

    @property
    def local_path(self) -> Path | None:
        """Return the file of this machine that has just these bytes, None if none has.

        Who can read it faster than `open` does may do so, and compares size and hash
        as `open` does. A wrapper that changes or slows down the bytes has none.
        """
        return None

    @property
    def is_urgent(self) -> bool:
        """Tell whether its bytes go before those of others where they are slowed down."""
        return False

    @property
    def is_part(self) -> bool:
        """Tell whether it is a part of a recording, which goes before the whole."""
        return False

    @property
    def slice_size(self) -> int:
        """Return how many bytes should wait for `pace` together, as things are now."""
        return MAX_SIZE

    @property
    def unpaced(self) -> Source:
        """Return the same bytes for whoever reads them before they are sent.

        To hash a piece, say. What is sent of them then waits for `pace` first.
        """
        return self

    async def pace(self, size: int) -> None:  # noqa: B027 - few wait
        """Wait until `size` more bytes may be sent, which `open` does by itself.

        That may take minutes: it is no time that a server has spent.
        """

    @abstractmethod
    def open(self) -> AsyncGenerator[bytes]:
        """Yield the bytes in pieces of at most 1 MiB; may be called several times.

        A piece of a source that is slowed down comes when it may be sent. Raises
        `FileNotFoundError` when the source is gone, `SourceUnreadable` when it can't be
        read, and `SourceDamaged` as soon as it is seen that it has not the right bytes:
        at the end at the latest.
        """

    async def md5(self) -> str:
        """Return their MD5 in hex, which some servers compare.

        Reads all of the source unless a kind of source knows it. Raises as `open`.
        """
        digest = hashlib.md5(usedforsecurity=False)
        async with aclosing(self.unpaced.open()) as pieces:
            async for piece in pieces:
                await asyncio.to_thread(digest.update, piece)
        return digest.hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a destination can do, for those who need not try.

    `folders`: it has folders, which are made and removed. `uses_temporary`: a file
    lies under its temporary name until it is complete. `max_concurrent`: more files
    than that at once only wait, None for no limit. `append`: a file can grow at its
    end. `server_checksum`: the server itself compares a hash of what arrives.
    `can_read`: files can be looked at, listed and read. `can_delete`: files can be
    deleted and replaced. `is_local`: it is a path of this machine, be it of a share.
    `unsized_from`: a source of which so many bytes are there may still grow, so that
    size and hash are known only at its end; None if it must be whole.
    `may_be_limited`: it is not known yet whether the login can
    do those two; the end-to-end test finds it out.
    """

    folders: bool = True
    uses_temporary: bool = True
    max_concurrent: int | None = None
    append: bool = False
    server_checksum: bool = False
    can_read: bool = True
    can_delete: bool = True
    is_local: bool = False
    unsized_from: int | None = None
    may_be_limited: bool = False


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

    @property
    def capabilities(self) -> Capabilities:
        """Return what it can do. Connects to nothing."""
        return Capabilities()

    @property
    def findings(self) -> Mapping[str, Any]:
        """Return what was found out about the server so far, by names of fields.

        It is stored with the settings after a test, and handed to the destination
        when it is built: what need not be found out again.
        """
        return {}

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

    def unprepared(self, path: str, source: Source, *, temporary: str) -> str:
        """Return the name by which `discard` finds what a `prepare` may leave.

        That is if we are killed before the name is remembered which it returns.
        """
        return temporary

    async def prepare(self, path: str, source: Source, *, temporary: str) -> str:
        """Return the name by which `discard` finds what a `put` may leave.

        It is to be remembered before `put` gets it as its `temporary`. A kind whose
        server itself names what is unfinished (the multipart upload of S3) asks the
        server for that name here; if it fails, it leaves nothing. Raises
        `StorageError`, or as `put` what is wrong with the source.
        """
        return temporary

    @abstractmethod
    async def put(self, path: str, source: Source, *, temporary: str) -> StoredFile:
        """Store `source` as `path`, complete or not at all.

        Its bytes are compared with its size and hash while they are read, and
        before anything gets the final name.

        Folders are made as needed. The bytes go to the name `temporary` (a
        path like `path`, in the same folder), their number is compared with
        the source's, and only then they take the final name in one step,
        replacing what was there (a server that can't replace a file loses the
        old one a moment before). A destination that shows an object only when
        it is complete need not use `temporary`, which may be what `prepare` returned.

        When it fails or is cancelled, `path` holds what it held before, or all
        of the new file if the answer to the last step got lost; `temporary` is
        removed if the destination still answers, and may stay if it does not:
        then call `discard` with that name.

        Raises `Rejected` when the size differs, `FileNotFoundError` when the
        source is gone, `SourceDamaged` when it is not what it should be,
        `SourceUnreadable` when it can't be read, else the `StorageError` of the
        cause, whose `step` says what failed: `MAKING`, `CHECKING` or `RENAMING`;
        None is the writing.
        """

    async def grow(self, path: str) -> GrowingFile:
        """Make a new, empty file at `path` that will grow (`capabilities.append`).

        It has its final name from the first byte on, for there may be no chance to
        give it one later. Folders are made as needed. Raises `AlreadyThere` if
        something lies there, else the `StorageError` of the cause; then there may be an
        empty file if the answer got lost.
        """
        raise Rejected("No file grows at this destination")

    async def put_at_once(
        self, path: str, source: Source, *, temporary: str
    ) -> StoredFile:
        """Store a few megabytes as `path` in as few requests as can be.

        For what is of use at every length, such as a piece of film: if it fails, the
        half of it may lie there, and what lay there may be gone. What arrived is
        compared only where that costs no request. `temporary` is as of `put`, which a
        kind need not use. Raises as `put`.
        """
        return await self.put(path, source, temporary=temporary)

    @abstractmethod
    async def stat(self, path: str) -> StoredFile | None:
        """Return the file at `path`, or None if there is none."""

    @abstractmethod
    async def delete(self, path: str) -> None:
        """Remove the file at `path`; succeeds when there is none."""

    async def discard(self, temporary: str) -> None:
        """Remove what a `put` has left that was given this temporary name.

        Succeeds when there is nothing. A kind that keeps an unfinished file
        elsewhere than under that name knows how to find it.
        """
        await self.delete(temporary)

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
    def open_read(
        self, path: str, *, start: int = 0, length: int | None = None
    ) -> AsyncGenerator[bytes]:
        """Yield the bytes of the file at `path` in pieces of at most 1 MiB.

        Those from `start` on, at most `length` of them; none behind the file's end.
        Raises `FileNotFoundError` when there is no such file.
        """

    @abstractmethod
    async def free_space(self) -> int | None:
        """Return the free bytes for new files, or None if that can't be known."""
