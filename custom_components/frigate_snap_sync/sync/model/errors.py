"""What ledger and spool raise, and what is refused."""

from enum import StrEnum

from ...cause import CausedError


class LedgerError(CausedError):
    """The ledger can't be read or written; the text says why."""

    code = "ledger_failing"


class LedgerRefusal(LedgerError):
    """The ledger can't hold what it was given, and won't when it is asked again."""


def words_of(error: Exception) -> str:
    """Return the raw words of SQLite or of the operating system, without paths."""
    return (error.strerror or "") if isinstance(error, OSError) else str(error)


class Refusal(StrEnum):
    """Why what a person asks for is not done."""

    CAMERA_DISABLED = "camera_disabled"
    CAPTURE_OFF = "capture_off"
    CAPTURE_WAS_OFF = "capture_was_off"
    DRILL_INTERRUPTED = "drill_interrupted"
    DRILL_RUNNING = "drill_running"
    NO_CAMERA = "no_camera"
    NO_DESTINATION = "no_destination"
    NO_FOOTAGE = "no_footage"
    NO_RETENTION = "no_retention"
    NOTHING_TO_DRILL = "nothing_to_drill"
    REVIEW_NOT_ENDED = "review_not_ended"
    REVIEW_NOT_FOUND = "review_not_found"


class Refused(Exception):
    """What a person asks for is not done; `code` says why, `about` names what."""

    def __init__(self, code: Refusal, about: str = "") -> None:
        """Keep why."""
        super().__init__(code)
        self.code = code
        self.about = about


class SpoolError(CausedError):
    """The spool's disk refused; the text says why."""

    code = "spool_failing"


class SpoolFull(SpoolError):
    """The spool has reached its limit."""

    code = "spool_full"
