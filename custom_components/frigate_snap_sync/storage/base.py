"""The contract of a destination, and its errors by cause."""

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

MAX_SIZE: Final = 2**63 - 1
"""Bytes that a file or a disk may have: more fits into no file system or ledger."""

MAX_DEPTH: Final = 64
"""Levels of folders below the root that `list_files` goes down to."""


CONNECTING: Final = "Connecting"
LOGGING_IN: Final = "Logging in"
STARTING: Final = "Starting SFTP"
FINDING: Final = "Finding the folder"
"""Steps of reaching a destination."""

MAKING: Final = "Making a folder"
CHECKING: Final = "Checking"
RENAMING: Final = "Renaming"
"""Steps of storing a file, besides the writing itself."""


class StorageError(Exception):
    """A destination could not do what was asked; the subclass says why.

    The text is for a log and for the owner: it names what was tried and what
    the server answered, and never holds a secret. `code` is the stable name of
    the cause: form errors, repairs, the breaker and entities key on it. `step` is
    what failed of an operation that has several, in words that an error's text can
    begin with.
    """

    code: ClassVar[str]
    step: str | None = None


class Unreachable(StorageError):
    """Nothing answers, or the connection broke: try again later."""

    code = "cannot_connect"


class ConnectTimeout(Unreachable):
    """The server did not answer in time."""

    code = "timeout_connect"


class AuthFailed(StorageError):
    """The server answered and refused the login."""

    code = "invalid_auth"


class InvalidKey(StorageError):
    """The private key can't be read, or its passphrase is missing or wrong."""

    code = "invalid_key"


class HostKeyChanged(StorageError):
    """The server's host key is not the pinned one; nothing was sent to it.

    `fingerprint` is that of the key the server showed, if it is known
    (`SHA256:…`, as `ssh-keygen -l` prints it).
    """

    code = "host_key_changed"

    def __init__(self, message: str, *, fingerprint: str | None = None) -> None:
        """Keep the fingerprint beside the message."""
        super().__init__(message)
        self.fingerprint = fingerprint


class NoSftp(StorageError):
    """Something answers, but offers no SFTP that can be used."""

    code = "no_sftp"


class Unusable(StorageError):
    """What is stored about the destination can't be read."""

    code = "unusable"


class PermissionDenied(StorageError):
    """The server or the file system refused to write, rename or delete."""

    code = "not_writable"


class PathNotAllowed(PermissionDenied):
    """Home Assistant does not allow writing to this local path."""

    code = "path_not_allowed"


class PathNotAbsolute(PermissionDenied):
    """The path of the root folder is not a whole one, from the slash on."""

    code = "path_not_absolute"


class PathNotFound(PermissionDenied):
    """The root folder does not exist and can't be made."""

    code = "path_not_found"


class NoSpace(StorageError):
    """The disk or the quota is full."""

    code = "no_space"


class NotMounted(StorageError):
    """The local path no longer lies on the file system it was set up on."""

    code = "not_mounted"


class Rejected(StorageError):
    """A failure about one file, without a cause of its own here."""

    code = "rejected"


class InvalidPath(Rejected):
    """The path of one file is not legal: it would leave the root, or is no text."""

    code = "invalid_path"


CAUSES: Final[tuple[type[StorageError], ...]] = (
    Unreachable,
    ConnectTimeout,
    AuthFailed,
    InvalidKey,
    HostKeyChanged,
    NoSftp,
    Unusable,
    PermissionDenied,
    PathNotAllowed,
    PathNotAbsolute,
    PathNotFound,
    NoSpace,
    NotMounted,
    Rejected,
    InvalidPath,
)
"""Every cause; each has a `code` of its own."""


def vanished(name: str) -> Rejected:
    """Return the error of a file that was written and is gone before its renaming.

    Some servers sort out what they don't know, others enforce a quota like that.
    """
    error = Rejected(
        f"Every byte was taken, but {name} was gone before it could get its final"
        " name: something there removes or renames unfinished files"
    )
    error.step = RENAMING
    return error


class SourceUnreadable(Rejected):
    """This machine can't read the file that is to be sent: no fault of the destination."""


class SourceDamaged(SourceUnreadable):
    """The file that is to be sent no longer has the bytes that it should have."""


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
