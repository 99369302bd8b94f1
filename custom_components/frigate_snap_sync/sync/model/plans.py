"""What is planned of an item: files to fetch, and uploads to make."""

from dataclasses import dataclass
from enum import StrEnum

from .item import Role, UploadState


class FileState(StrEnum):
    """Where a file is."""

    WANTED = "wanted"
    """To be fetched from Frigate."""
    HELD = "held"
    """In the spool, until the camera's snapshots switch is known."""
    SPOOLED = "spooled"
    """In the spool, for the destinations that still wait for it."""
    RELEASED = "released"
    """No longer needed, or never to be had."""


class Hold(StrEnum):
    """What a wanted file waits for beside time."""

    FORBIDDEN = "forbidden"
    """Frigate's user may not have its camera's media."""
    TOO_LARGE = "too_large"
    """It is larger than the spool can hold under its limit."""
    BUDGET = "budget"
    """The monthly budgets of all who want it are used up so far. Also of an upload."""


class ToRemove(StrEnum):
    """What of an upload is to be removed at its destination."""

    TEMPORARY = "temporary"
    """What a try left; the file itself may be there, too, and would be a copy."""
    FILE = "file"
    """All of it: something verified has superseded it, or its retention is over."""
    SPARED = "spared"
    """Nothing any more: if it still lies there, it is a copy again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadPlan:
    """One file's way to one destination.

    `path` is the item's name there, which the item keeps for all its files; the
    file's own suffix is put behind it. `is_asked`: a person asked for it, whatever the
    destination selects.
    """

    destination_id: str
    path: str
    is_asked: bool = False
    state: UploadState = UploadState.PENDING
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FilePlan:
    """One file of an item: what to ask Frigate for, or what lies in the spool.

    `start` and `end` are the range of a recording (epoch seconds of Frigate's
    clock), `due` is when to fetch it (ours), and `ended_at` when what it shows was over
    (ours; None: when the item was). With `as_is` what Frigate has on disk then is
    enough. `suffix` tells the files of one item apart. `had_footage`: Frigate's recordings
    showed some of the range when this was planned.
    """

    state: FileState
    uploads: tuple[UploadPlan, ...]
    role: Role = Role.WHOLE
    number: int = 1
    suffix: str = ""
    start: int | None = None
    end: int | None = None
    due: float = 0
    ended_at: float | None = None
    as_is: bool = False
    had_footage: bool = False
    spool_name: str | None = None
    size: int | None = None
    sha256: str | None = None


def part_suffix(number: int) -> str:
    """Return what tells a part from the other files of its item."""
    return f"part{number:03}"


def suffix_of(role: Role, number: int, *, pieces: int) -> str:
    """Return what tells a file from the others of its item.

    `pieces` is how many wholes the item has.
    """
    if role is Role.PART:
        return part_suffix(number)
    suffix = "" if pieces == 1 else f"{number:02}"
    if role is Role.WHOLE:
        return suffix
    return f"{suffix}-incomplete" if suffix else "incomplete"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a review's files go: the last number of each kind, and where it ends.

    Ends are epoch seconds of Frigate's clock, None where there is no such file.
    """

    parts: int = 0
    parts_end: int | None = None
    pieces: int = 0
    pieces_end: int | None = None
