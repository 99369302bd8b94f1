"""Lists of objects, as servers send them: XML that is parsed in a thread."""

from dataclasses import dataclass
import re
from typing import Final
from urllib.parse import unquote_plus
from xml.etree import ElementTree as ET

from ..base import MAX_DEPTH, MAX_SIZE, StoredFile, path_segments
from ..errors import InvalidPath, Rejected

MAX_LIST: Final = 8 * 1024 * 1024
"""Bytes of one list: of a thousand objects with the longest names."""

MAX_OBJECTS: Final = 1_000_000
"""Objects that a listing goes through: some hundred times what lies there."""

FULL_PAGE: Final = 1000
"""Objects of one answer; one without any may be of as many that were deleted."""

_LIST: Final = re.compile(rb"<(\w+:)?ListBucketResult[\s>/]")
_UPLOAD_LIST: Final = re.compile(rb"<(\w+:)?ListMultipartUploadsResult[\s>/]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some files of a listing, and the mark to ask for the next ones with."""

    files: tuple[StoredFile, ...]
    objects: int
    token: str | None


def is_list(body: bytes) -> bool:
    """Tell whether a body begins as a list of objects."""
    return _LIST.search(body[:2000]) is not None


def is_upload_list(body: bytes) -> bool:
    """Tell whether a body begins as a list of unfinished uploads.

    Or of objects: of a server that does not know what was asked for.
    """
    return is_list(body) or _UPLOAD_LIST.search(body[:2000]) is not None


def parse_list(body: bytes, prefix: str) -> Page:
    """Return the files of a list whose names begin with the prefix, which they lose.

    Blocks: it takes milliseconds. Names that no path of ours can have are left out.
    Raises `Rejected`.
    """
    root = _root(body)
    is_quoted = _text(root, "EncodingType") == "url"
    files, objects = [], 0
    for element in root:
        if _tag(element) != "Contents":
            continue
        objects += 1
        key = _text(element, "Key") or ""
        key = unquote_plus(key) if is_quoted else key
        if not key.startswith(prefix):
            continue
        size = _size(_text(element, "Size"))
        if size is not None and _is_path(key[len(prefix) :]):
            files.append(StoredFile(path=key[len(prefix) :], size=size))
    is_more = _text(root, "IsTruncated") == "true"
    token = _text(root, "NextContinuationToken") if is_more else None
    return Page(files=tuple(files), objects=objects, token=token)


def upload_ids(body: bytes, key: str) -> list[str]:
    """Return the ids of the unfinished uploads of an object, of a list of them.

    Raises `Rejected`.
    """
    root = _root(body)
    return [
        upload_id
        for element in root
        if _tag(element) == "Upload" and _text(element, "Key") == key
        if (upload_id := _text(element, "UploadId"))
    ]


def _root(body: bytes) -> ET.Element:
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        raise Rejected("The server's list is no plain XML")
    try:
        # Bounded, and without what could grow.
        return ET.fromstring(body)  # noqa: S314
    except (ET.ParseError, ValueError, LookupError) as err:
        raise Rejected("The server's list can't be read") from err


def _tag(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def _text(element: ET.Element, name: str) -> str | None:
    return next((child.text for child in element if _tag(child) == name), None)


def _size(text: str | None) -> int | None:
    if text is None or not text.isascii() or not text.isdecimal() or len(text) > 19:
        return None
    return min(int(text), MAX_SIZE)


def _is_path(path: str) -> bool:
    try:
        return len(path_segments(path)) <= MAX_DEPTH
    except InvalidPath:
        return False  # A folder's mark, `a//b`: no upload of ours has such a name.
