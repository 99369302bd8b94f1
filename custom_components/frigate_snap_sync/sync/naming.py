"""File names: computed once from an item, safe on every kind of destination."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, tzinfo
import re
import secrets
import unicodedata

from .items import Item, Media

MAX_SEGMENT_BYTES = 200
"""Of one path segment, in UTF-8: every file system's 255 less room for a suffix."""

MAX_SEGMENTS = 16
_NUMBERS = 20

# What Windows shares (SMB), S3 or WebDAV servers refuse or treat as their own.
_REFUSED = re.compile(r'[\x00-\x1f\x7f\\/:*?"<>|\ud800-\udfff]')
_DEVICE_NAMES = re.compile(r"(?i)(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?")
_PREFIXES = {
    Media.RECORDINGS: "RecordingClip",
    Media.SNAPSHOTS: "Snapshot",
    Media.LIVE_SNAPSHOTS: "LiveSnapshot",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class NameValues:
    """The variables of a file name template.

    `kind` is `recording`, `snapshot` or `live_snapshot`; `severity` is empty
    where it is unknown; `start` and `end` are in Home Assistant's time zone.
    """

    kind: str
    camera: str
    label: str
    labels: tuple[str, ...]
    severity: str
    zones: tuple[str, ...]
    start: datetime
    end: datetime | None
    id: str
    extension: str


type Render = Callable[[NameValues], str]
"""Turns a template's variables into a path; raises ValueError if it can't."""


def name_values(item: Item, time_zone: tzinfo) -> NameValues:
    """Return the variables of a template for an item; fractions of seconds are cut."""
    end = None if item.end is None else datetime.fromtimestamp(int(item.end), time_zone)
    return NameValues(
        kind=item.media.kind,
        camera=item.camera,
        label=item.label or ", ".join(sorted(item.labels)),
        labels=tuple(sorted(item.labels)),
        severity=item.severity or "",
        zones=tuple(sorted(item.zones)),
        start=datetime.fromtimestamp(int(item.start), time_zone),
        end=end,
        id=item.short_id,
        extension=item.media.extension,
    )


def default_name(item: Item, values: NameValues) -> str:
    """Return the default path of an item's file, cleaned."""
    date = values.start.strftime("%Y-%m-%d")
    head = f"{_PREFIXES[item.media]}-{item.camera}-{values.start:%Y-%m-%d_%H-%M-%S%z}-"
    tail = f"{values.id}.{values.extension}"
    if item.media is Media.RECORDINGS:
        return clean_path(f"{date}/{_REFUSED.sub('_', head + tail)}", values.extension)
    # The label is cut first: it is the one part that may be long and is not needed.
    head, tail = _REFUSED.sub("_", head), _REFUSED.sub("_", f"-{tail}")
    room = MAX_SEGMENT_BYTES - len(head.encode()) - len(tail.encode())
    label = _cut(_REFUSED.sub("_", item.label), max(room, 8))
    return clean_path(f"{date}/{head}{label}{tail}", values.extension)


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
    segments[-1] = _join(stem, "", extension)
    return "/".join(segments)


def numbered(path: str, suffix: str) -> str:
    """Return the path with `-suffix` put before its extension."""
    folder, slash, name = path.rpartition("/")
    stem, _, extension = name.rpartition(".")
    return f"{folder}{slash}{_join(stem, f'-{suffix}', extension)}"


def path_key(path: str) -> str:
    """Return what two paths share that name one file where case does not count.

    Shares fold case in their own ways, some of all letters (SMB, NTFS, APFS), and
    some take one form of an accented letter for the other: so does this, in folders
    too.
    """
    folded = unicodedata.normalize("NFC", path).upper().casefold()
    return unicodedata.normalize("NFC", folded)


def alternatives(path: str, short_id: str) -> Iterator[str]:
    """Yield the path, then ever other ones, for a name that is already taken.

    After some numbers they are random: each is looked up, and thousands may be taken.
    """
    yield path
    if not path.rpartition("/")[2].rpartition(".")[0].endswith(short_id):
        path = numbered(path, _REFUSED.sub("_", short_id))
        yield path
    for number in range(2, _NUMBERS):
        yield numbered(path, str(number))
    while True:
        yield numbered(path, secrets.token_hex(4))


def temporary_name(path: str, token: str) -> str:
    """Return the name that a file has while it is being written, in the same folder."""
    folder, slash, _ = path.rpartition("/")
    return f"{folder}{slash}.{token}.part"


def _clean_segment(segment: str) -> str:
    segment = _visible(_REFUSED.sub("_", unicodedata.normalize("NFC", segment)))
    segment = _cut(segment.strip(), MAX_SEGMENT_BYTES).rstrip(". ")
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


def _join(stem: str, suffix: str, extension: str) -> str:
    ending = f"{suffix}.{extension}"
    stem = _cut(stem, MAX_SEGMENT_BYTES - len(ending.encode())).rstrip(". ")
    return f"{stem or '_'}{ending}"


def _cut(text: str, size: int) -> str:
    """Return the text cut to `size` bytes of UTF-8, between characters."""
    return text.encode()[:size].decode(errors="ignore")
