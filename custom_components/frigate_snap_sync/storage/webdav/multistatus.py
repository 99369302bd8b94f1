"""What a server answers to PROPFIND: files and folders with their properties."""

from dataclasses import dataclass, field
from http import HTTPStatus
import re
from typing import Final
from urllib.parse import unquote_to_bytes, urlsplit
from xml.parsers import expat

from ..base import MAX_SIZE

_DAV: Final = "DAV: "
_RESPONSE: Final = f"{_DAV}response"
_STATUS: Final = f"{_DAV}status"
_HREF: Final = f"{_DAV}href"
_PROPSTAT: Final = f"{_DAV}propstat"
_COLLECTION: Final = f"{_DAV}collection"
_SIZE: Final = f"{_DAV}getcontentlength"
_QUOTA: Final = f"{_DAV}quota-available-bytes"

MAX_DEPTH: Final = 32
"""Levels of elements: an answer has about six."""

MAX_TEXT: Final = 16 * 1024
"""Characters of one text: the longest are addresses."""


class BadAnswer(Exception):
    """The answer is no multistatus; the text says why."""


@dataclass(slots=True)
class Resource:
    """A file or a folder, by the path of its address.

    `status` is what the server says of it alone: it may refuse to tell of one of many.
    """

    path: str = ""
    status: int = HTTPStatus.OK
    is_folder: bool = False
    size: int | None = None
    quota: int | None = None
    """Bytes that may still be written there."""

    @property
    def is_there(self) -> bool:
        """Tell whether the server tells of it as of something that is there."""
        return 200 <= self.status < 300

    @property
    def is_absent(self) -> bool:
        """Tell whether the server says that there is no such thing."""
        return self.status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)


@dataclass(slots=True)
class _Properties:
    """Those of one `propstat`, which count if its status is a success."""

    is_folder: bool = False
    texts: dict[str, str] = field(default_factory=dict)
    is_there: bool = True


class Multistatus:
    """Reads an answer piece by piece; nothing in it is ever expanded or fetched."""

    def __init__(self) -> None:
        """Have read nothing."""
        self._found: list[Resource] = []
        self._path: list[str] = []
        self._text: list[str] = []
        self._length = 0
        self._resource: Resource | None = None
        self._properties: _Properties | None = None
        self._is_multistatus = False
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.StartElementHandler = self._begin
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._take
        parser.StartDoctypeDeclHandler = self._refuse
        parser.EntityDeclHandler = self._refuse
        parser.buffer_text = True
        self._parser = parser

    def feed(self, data: bytes, *, is_last: bool = False) -> list[Resource]:
        """Return what is known after some more bytes; raises `BadAnswer`."""
        try:
            self._parser.Parse(data, is_last)
        except (expat.ExpatError, ValueError, LookupError) as err:
            raise BadAnswer("the answer is no XML") from err
        if is_last and not self._is_multistatus:
            raise BadAnswer("the answer is no list of files")
        found, self._found = self._found, []
        return found

    def _begin(self, name: str, _: object) -> None:
        if not self._path:
            self._is_multistatus = name == f"{_DAV}multistatus"
            if not self._is_multistatus:
                raise BadAnswer("the answer is no list of files")
        if len(self._path) >= MAX_DEPTH:
            raise BadAnswer("the answer is nested too deeply")
        self._path.append(name)
        self._text, self._length = [], 0
        if name == _RESPONSE:
            self._resource = Resource()
        elif name == _PROPSTAT:
            self._properties = _Properties()
        elif name == _COLLECTION and self._properties is not None:
            self._properties.is_folder = True

    def _end(self, name: str) -> None:
        self._path.pop()
        text = "".join(self._text).strip()
        self._text, self._length = [], 0
        resource, properties = self._resource, self._properties
        if resource is None:
            return
        if properties is not None:
            if name == _STATUS:
                properties.is_there = 200 <= _status_of(text) < 300
            elif name in (_SIZE, _QUOTA):
                properties.texts[name] = text
            elif name == _PROPSTAT:
                self._properties = None
                if properties.is_there:
                    _apply(properties, resource)
        elif name == _HREF and not resource.path:
            resource.path = path_of(text)
        elif name == _STATUS:
            resource.status = _status_of(text)
        elif name == _RESPONSE:
            self._found.append(resource)
            self._resource = None

    def _take(self, text: str) -> None:
        self._length += len(text)
        if self._length > MAX_TEXT:
            raise BadAnswer("the answer has a text that is too long")
        self._text.append(text)

    def _refuse(self, *_: object) -> None:
        raise BadAnswer("the answer declares entities")


def parse(data: bytes) -> list[Resource]:
    """Return all that an answer lists; raises `BadAnswer`."""
    return Multistatus().feed(data, is_last=True)


def path_of(href: str) -> str:
    """Return the decoded path of an address, without a slash at its end.

    Bytes that are no UTF-8 stay, as Python keeps them in names of files.
    """
    try:
        path = urlsplit(href).path if "://" in href else href
    except ValueError:
        path = href
    return unquote_to_bytes(path).decode("utf-8", "surrogateescape").rstrip("/")


def _apply(properties: _Properties, resource: Resource) -> None:
    resource.is_folder |= properties.is_folder
    size = _number(properties.texts.get(_SIZE, ""))
    if size is not None and 0 <= size <= MAX_SIZE:
        resource.size = size
    quota = _number(properties.texts.get(_QUOTA, ""))
    if quota is not None and 0 <= quota <= MAX_SIZE:
        resource.quota = quota


def _number(text: str) -> int | None:
    return int(text) if re.fullmatch(r"-?[0-9]{1,20}", text) else None


def _status_of(text: str) -> int:
    """Return the number in a line like `HTTP/1.1 200 OK`, 0 if there is none."""
    found = re.search(r"\s([0-9]{3})(\s|$)", text)
    return int(found[1]) if found else 0
