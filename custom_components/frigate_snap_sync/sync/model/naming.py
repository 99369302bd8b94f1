"""File names: computed once from an item, safe on every kind of destination."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, tzinfo
import secrets
import unicodedata

from ...storage.layout import DATE_FOLDER
from ...storage.names import MAX_SEGMENT_BYTES, REFUSED, clean_path, cut, join_name
from .item import Item, Media

_NUMBERS = 20

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
    date = values.start.strftime(DATE_FOLDER)
    head = f"{_PREFIXES[item.media]}-{item.camera}-{values.start:%Y-%m-%d_%H-%M-%S%z}-"
    tail = f"{values.id}.{values.extension}"
    if item.media is Media.RECORDINGS:
        return clean_path(f"{date}/{REFUSED.sub('_', head + tail)}", values.extension)
    # The label is cut first: it is the one part that may be long and is not needed.
    head, tail = REFUSED.sub("_", head), REFUSED.sub("_", f"-{tail}")
    room = MAX_SEGMENT_BYTES - len(head.encode()) - len(tail.encode())
    label = cut(REFUSED.sub("_", item.label), max(room, 8))
    return clean_path(f"{date}/{head}{label}{tail}", values.extension)


def numbered(path: str, suffix: str) -> str:
    """Return the path with `-suffix` put before its extension."""
    folder, slash, name = path.rpartition("/")
    stem, _, extension = name.rpartition(".")
    return f"{folder}{slash}{join_name(stem, f'-{suffix}', extension)}"


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
        path = numbered(path, REFUSED.sub("_", short_id))
        yield path
    for number in range(2, _NUMBERS):
        yield numbered(path, str(number))
    while True:
        yield numbered(path, secrets.token_hex(4))
