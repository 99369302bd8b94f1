"""File names: computed once from an item, safe on every kind of destination."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, tzinfo
import posixpath
import re
import secrets
import unicodedata

from ...storage.layout import DATE_FOLDER
from ...storage.names import MAX_SEGMENT_BYTES, REFUSED, clean_path, cut, join_name
from .item import Item

_NUMBERS = 20
_RETRIED = re.compile(r"-retry-[0-9a-f]{8}$")

_SUFFIX_BYTES = 32
"""Kept free for what is put behind the id: pieces, parts, numbers of alternatives."""
_LABEL_BYTES = 16
"""A long label is cut first, but not below this: then the camera is cut."""


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
    """Return the default path of an item's file, cleaned.

    Sorted by name, a folder is sorted by time. The id stays whole as long as Frigate
    gives ids of a usual length, for it makes the name unique.
    """
    date = values.start.strftime(DATE_FOLDER)
    time = f"{values.start:%Y-%m-%d_%H-%M-%S%z}"
    kind = values.kind.replace("_", "-")
    camera = REFUSED.sub("_", item.camera)
    label = REFUSED.sub("_", item.label or "+".join(values.labels))
    tail = REFUSED.sub("_", f"{values.id}.{values.extension}")
    fixed = f"{time}---{kind}-{tail}"
    free = MAX_SEGMENT_BYTES - _SUFFIX_BYTES - len(fixed.encode())
    label = cut(label, max(free - len(camera.encode()), _LABEL_BYTES))
    camera = cut(camera, max(free - len(label.encode()), 0))
    words = [time, camera, kind, label, tail]
    return clean_path(
        f"{date}/{'-'.join(word for word in words if word)}", values.extension
    )


def ending_of(path: str, short_id: str) -> str | None:
    """Return how a file's name ends, from its item's id on; None if it has no id."""
    cleaned = REFUSED.sub("_", short_id)
    _, dash, rest = path.rpartition("/")[2].rpartition(f"-{cleaned}")
    return f"{dash}{rest}" if dash else None


def differs_in_labels_only(path: str, other: str, ending: str) -> bool:
    """Tell whether two paths are default names of one file of a recording.

    Its labels become known one after the other. Both end with its id and what follows.
    """
    start = posixpath.commonprefix([path, other])
    return (
        "-recording-" in start
        and "/" not in path[len(start) :]
        and "/" not in other[len(start) :]
        and path.endswith(ending)
        and other.endswith(ending)
    )


def numbered(path: str, suffix: str) -> str:
    """Return the path with `-suffix` put before its extension."""
    folder, slash, name = path.rpartition("/")
    stem, _, extension = name.rpartition(".")
    return f"{folder}{slash}{join_name(stem, f'-{suffix}', extension)}"


def retried(path: str) -> str:
    """Return a name for another try, where it can't be seen which names are taken.

    It is random, for the ledger may have been set back since the last one.
    """
    stem, dot, extension = path.rpartition(".")
    return numbered(
        f"{_RETRIED.sub('', stem)}{dot}{extension}", f"retry-{secrets.token_hex(4)}"
    )


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
