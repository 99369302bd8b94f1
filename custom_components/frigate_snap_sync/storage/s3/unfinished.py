"""The names of unfinished multipart uploads: they hold path and id."""

import posixpath
from typing import Final
from urllib.parse import quote, unquote

from ..base import path_segments
from ..errors import Rejected

_MARK: Final = "?uploadId="
"""Stands between path and id: no name has a `?`."""


def name_of(path: str, upload_id: str = "") -> str:
    """Return the name of an upload; without an id, of any that there may be."""
    return f"{path}{_MARK}{quote(upload_id, safe='')}"


def parse_name(temporary: str) -> tuple[str, str | None]:
    """Return path and id of a name; None for the id if it is no such name."""
    path, mark, upload_id = temporary.partition(_MARK)
    return path, unquote(upload_id) if mark else None


def upload_of(path: str, temporary: str) -> str | None:
    """Return the id of the upload that a name for `path` holds, None if it holds none.

    Raises `Rejected` for one that does not belong to the path.
    """
    named, upload_id = parse_name(temporary)
    path_segments(named)
    if upload_id is not None:
        if named != path:
            raise Rejected(f"{temporary!r} is no upload of {path!r}")
        return upload_id or None
    if posixpath.dirname(named) != posixpath.dirname(path) or named == path:
        raise Rejected(f"{temporary!r} is no temporary name for {path!r}")
    return None
