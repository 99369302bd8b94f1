"""Names that every kind of destination takes, of whole files and of unfinished ones."""

from enum import StrEnum
import re
from typing import Final
import unicodedata

MAX_SEGMENT_BYTES: Final = 200
"""Of one path segment, in UTF-8: every file system's 255 less space for a suffix."""

MAX_SEGMENTS: Final = 16

DRILL_PREFIX: Final = "frigate-snap-sync-drill-"
"""How the names of a fire drill's files begin."""

_UNFINISHED: Final = ".tmp"

# What Windows shares (SMB), S3 or WebDAV servers refuse or treat as their own.
REFUSED: Final = re.compile(r'[\x00-\x1f\x7f\\/:*?"<>|\ud800-\udfff]')
_DEVICE_NAMES = re.compile(r"(?i)(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?")


def clean_path(path: str, extension: str) -> str:
    """Return a relative path that every destination takes, with that extension.

    Each segment loses what SMB, S3 or WebDAV refuse and is cut to 200 bytes;
    empty, `.` and `..` segments vanish.
    Raises ValueError when nothing is left, or it has more than 16 segments.
    """
    segments = [_clean_segment(part) for part in path.replace("\\", "/").split("/")]
    segments = [segment for segment in segments if segment]
    if not segments:
        raise ValueError("the file name is empty")
    if len(segments) > MAX_SEGMENTS:
        raise ValueError(f"the path has more than {MAX_SEGMENTS} folders")
    stem = segments[-1].removesuffix(f".{extension}")
    segments[-1] = join_name(stem, "", extension)
    return "/".join(segments)


def join_name(stem: str, suffix: str, extension: str) -> str:
    """Return a name of one segment, of which the stem is cut if it is too long."""
    ending = f"{suffix}.{extension}"
    stem = cut(stem, MAX_SEGMENT_BYTES - len(ending.encode())).rstrip(". ")
    return f"{stem or '_'}{ending}"


def cut(text: str, size: int) -> str:
    """Return the text cut to `size` bytes of UTF-8, between characters."""
    return text.encode()[:size].decode(errors="ignore")


class TemporaryForm(StrEnum):
    """How an unfinished file is named; both forms end in `.tmp`.

    Not in `.part`, which Nextcloud refuses. A dot in front hides the file from
    most programs that look into a folder; some servers refuse such names
    (ProFTPD by `PathDenyFilter`, for one).
    """

    HIDDEN = "hidden"
    PLAIN = "plain"

    @property
    def other(self) -> TemporaryForm:
        """Return the form to try when this one is refused."""
        return next(form for form in TemporaryForm if form is not self)


def temporary_name(
    path: str, token: str, form: TemporaryForm = TemporaryForm.HIDDEN
) -> str:
    """Return the name of the file at `path` while it is written, in the same folder.

    `token` tells it from those of other files.
    """
    folder, slash, _ = path.rpartition("/")
    dot = "." if form is TemporaryForm.HIDDEN else ""
    return f"{folder}{slash}{dot}{token}{_UNFINISHED}"


def is_temporary(path: str) -> bool:
    """Tell whether a path has a name that `temporary_name` makes."""
    return path.endswith(_UNFINISHED)


def is_drill(path: str) -> bool:
    """Tell whether a path is that of a fire drill's file."""
    return path.rpartition("/")[2].startswith(DRILL_PREFIX)


def _clean_segment(segment: str) -> str:
    segment = _visible(REFUSED.sub("_", unicodedata.normalize("NFC", segment)))
    segment = cut(segment.strip(), MAX_SEGMENT_BYTES).rstrip(". ")
    if segment.startswith("."):
        # A leading dot hides a file, and is how unfinished ones are named.
        segment = f"_{segment.lstrip('.')}" if segment.strip(".") else ""
    return f"_{segment}" if _DEVICE_NAMES.fullmatch(segment) else segment


def _visible(text: str) -> str:
    """Return the text without what only seems to be another: marks of direction, say."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else " " if char.isspace() else "_" for char in text
    )
