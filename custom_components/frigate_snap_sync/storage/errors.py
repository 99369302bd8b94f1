"""What goes wrong at a destination, by cause."""

from typing import Final

from ..cause import CausedError

CONNECTING: Final = "Connecting"
LOGGING_IN: Final = "Logging in"
STARTING: Final = "Starting SFTP"
FINDING: Final = "Finding the folder"
"""Steps of reaching a destination."""

WRITING: Final = "Writing"
MAKING: Final = "Making a folder"
CHECKING: Final = "Checking"
RENAMING: Final = "Renaming"
"""Steps of storing a file."""

REPLACING: Final = "Replacing"
LOOKING: Final = "Looking at the file"
READING: Final = "Reading back"
DELETING: Final = "Deleting"
"""Steps of a test that a destination may refuse which only takes new files."""

STEPS: Final = (
    CONNECTING,
    LOGGING_IN,
    STARTING,
    FINDING,
    WRITING,
    MAKING,
    CHECKING,
    RENAMING,
    REPLACING,
    LOOKING,
    READING,
    DELETING,
)
"""All of them."""


class StorageError(CausedError):
    """A destination could not do what was asked; the subclass says why.

    The text is for a log: it names what was tried and what the server answered, and
    never holds a secret; no more does what is said of it elsewhere. `code` is the
    stable name of the cause: form errors, repairs, the breaker and entities key on it.
    `step` is one of the words above.
    """


class Unreachable(StorageError):
    """Nothing answers, or the connection broke: try again later."""

    code = "cannot_connect"


class ConnectTimeout(Unreachable):
    """The server did not answer in time."""

    code = "timeout_connect"


class Redirected(Unreachable):
    """The address leads to another one, which is not followed: nothing was sent there."""

    code = "redirected"


class Throttled(Unreachable):
    """The server is there, but asks to be left alone for a while.

    `retry_after` are the seconds it asked for, if it said how many.
    """

    code = "throttled"

    def __init__(
        self, message: str, *, retry_after: float | None = None, said: str = ""
    ) -> None:
        """Keep the time beside the message."""
        super().__init__(message, said=said)
        self.retry_after = retry_after


class CertificateRefused(StorageError):
    """The server's TLS certificate can't be trusted; no credentials were sent."""

    code = "ssl_error"


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


class NotWebdav(StorageError):
    """Something answers, but not as a WebDAV server does."""

    code = "not_webdav"


class Unusable(StorageError):
    """What is stored about the destination can't be read."""

    code = "unusable"


class ClockSkew(StorageError):
    """The server refuses the login because its clock and ours differ too much."""

    code = "clock_skew"


class WrongRegion(StorageError):
    """The bucket lies in another region; `region` is the right one, if it is known."""

    code = "wrong_region"

    def __init__(
        self, message: str, *, region: str | None = None, said: str = ""
    ) -> None:
        """Keep the region beside the message."""
        super().__init__(
            message,
            hint="other_region" if region else "",
            about=region or "",
            said=said,
        )
        self.region = region


class BucketNotFound(StorageError):
    """The server has no bucket of that name."""

    code = "bucket_not_found"


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


class SourceUnreadable(Rejected):
    """This machine can't read the file that is to be sent: no fault of the destination."""

    code = "source_unreadable"


class SourceDamaged(SourceUnreadable):
    """The file that is to be sent no longer has the bytes that it should have."""

    code = "source_damaged"


CAUSES: Final[tuple[type[StorageError], ...]] = (
    Unreachable,
    ConnectTimeout,
    Redirected,
    Throttled,
    CertificateRefused,
    AuthFailed,
    InvalidKey,
    HostKeyChanged,
    NoSftp,
    NotWebdav,
    Unusable,
    ClockSkew,
    WrongRegion,
    BucketNotFound,
    PermissionDenied,
    PathNotAllowed,
    PathNotAbsolute,
    PathNotFound,
    NoSpace,
    NotMounted,
    Rejected,
    InvalidPath,
    SourceUnreadable,
    SourceDamaged,
)
"""Every cause; each has a `code` of its own."""


def unreadable(what: str, err: OSError) -> SourceUnreadable:
    """Return the error of `what` (in `…ing`) of a source, that the system refused."""
    said = err.strerror or ""
    return SourceUnreadable(f"{what} failed: {said or err}", said=said)


def other_size(text: str) -> Rejected:
    """Return the error of a file that arrived with another size than was sent."""
    error = Rejected(text, hint="other_size")
    error.step = CHECKING
    return error


def vanished(name: str) -> Rejected:
    """Return the error of a file that was written and is gone before its renaming.

    Some servers sort out what they don't know, others enforce a quota like that.
    """
    error = Rejected(
        f"Every byte was taken, but {name} was gone before it could get its final"
        " name: something there removes or renames unfinished files",
        hint="vanished",
    )
    error.step = RENAMING
    return error
