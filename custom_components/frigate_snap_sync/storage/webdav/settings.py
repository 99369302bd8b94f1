"""Where a WebDAV server is, and which folder of it is ours."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final
from urllib.parse import quote

from yarl import URL

from ..base import path_segments
from ..errors import InvalidPath
from ..http.address import parse_url


class DestinationForm(StrEnum):
    """How MOVE names its target; a proxy that ends TLS breaks some of them."""

    ABSOLUTE = "absolute"
    PATH = "path"
    HTTP = "http"


MAX_NAME: Final = 255
"""Bytes of the name of a folder, as file systems take it."""

FORM_FIELD: Final = "destination_form"
"""The name of what is found out of it, among `Destination.findings`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebdavSettings:
    """A server, who we are there, and the folder below `url` that files go to.

    Whether its certificate is verified is the session's matter. Raises ValueError.
    """

    url: str
    username: str = ""
    password: str = field(default="", repr=False)
    path: str = ""
    form: DestinationForm = DestinationForm.ABSOLUTE

    @property
    def base(self) -> URL:
        """Return the address as a URL."""
        return parse_url(self.url)

    @property
    def folders(self) -> tuple[str, ...]:
        """Return the segments of the path."""
        return parse_folder(self.path)


def parse_folder(text: str) -> tuple[str, ...]:
    """Return the segments of a folder as it was typed; "" and "/" are the server's own.

    Raises `InvalidPath`.
    """
    text = text.strip().strip("/")
    if not text:
        return ()
    segments = path_segments("/".join(part for part in text.split("/") if part))
    if not text.isprintable() or "\\" in text:
        raise InvalidPath(
            "The path has characters that no folder has", hint="odd_characters"
        )
    if any(len(segment.encode()) > MAX_NAME for segment in segments):
        raise InvalidPath(
            f"The path has a name of more than {MAX_NAME} bytes",
            hint="too_long_name",
            about=MAX_NAME,
        )
    return segments


class Addresses:
    """Addresses of files below a server's folder."""

    def __init__(self, base: URL, root: tuple[str, ...]) -> None:
        """Begin at the folder `root` below `base`."""
        self._base = base
        self._prefix = str(base).rstrip("/")
        self.root = root

    def of(self, *segments: str, is_folder: bool = False) -> URL:
        """Return the address of what lies below the root."""
        return self.below(*self.root, *segments, is_folder=is_folder)

    def below(self, *segments: str, is_folder: bool = False) -> URL:
        """Return the address of what lies below the server's own folder."""
        quoted = "".join(f"/{_quoted(segment)}" for segment in segments)
        slash = "/" if is_folder or not segments else ""
        return URL(f"{self._prefix}{quoted}{slash}", encoded=True)


def destination_header(url: URL, form: DestinationForm) -> str:
    """Return what MOVE names its target by."""
    match form:
        case DestinationForm.ABSOLUTE:
            return str(url)
        case DestinationForm.PATH:
            return url.raw_path
        case DestinationForm.HTTP:
            return f"http://{url.raw_authority}{url.raw_path}"


def _quoted(segment: str) -> str:
    return quote(segment.encode("utf-8", "surrogateescape"), safe="")
