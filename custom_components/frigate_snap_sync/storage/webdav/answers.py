"""What a server's refusal means."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import unescape
from http import HTTPStatus
import re
from typing import Final

from yarl import URL

from ..errors import (
    AuthFailed,
    CertificateRefused,
    NoSpace,
    NotWebdav,
    PermissionDenied,
    Redirected,
    Rejected,
    StorageError,
    Unreachable,
)
from ..http.errors import is_trouble, throttled, wants_tls
from ..texts import brief, says_full

LOCKED: Final = 423
FULL: Final = 507

_MESSAGE: Final = re.compile(rb"<(?:\w+:)?message[^>]*>([^<]{1,800})<")
"""Where sabre, and so Nextcloud, says in words what failed."""
_TAG: Final = re.compile(r"<[^>]{0,800}>")
_FULL_CONDITIONS: Final = (b"quota-not-exceeded", b"sufficient-disk-space")
"""What RFC 4331 has a server say that is full."""
_MAY_BE_FULL: Final = frozenset(
    {
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.CONFLICT,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.UNPROCESSABLE_ENTITY,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        HTTPStatus.NOT_IMPLEMENTED,
        HTTPStatus.BAD_GATEWAY,
    }
)
"""What servers answer that are full, and say so in words alone.

Not what they answer who are asked too often: of that there may be a quota, too.
"""
_SEARCHED: Final = 8192
"""Bytes of an answer in which such words are looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A whole answer of bounded size."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    url: URL = field(default_factory=URL, repr=False)

    @property
    def is_page(self) -> bool:
        """Tell whether it is a web page, which no part of WebDAV is."""
        kind = self.headers.get("Content-Type", "")
        return "html" in kind or b"<html" in self.body[:1024].lower()

    @property
    def wants_tls(self) -> bool:
        """Tell whether the port is one for https://."""
        return wants_tls(self.status, self.body[:4096].decode(errors="replace"))

    @property
    def is_success(self) -> bool:
        """Tell whether the server did what was asked."""
        return 200 <= self.status < 300

    @property
    def says_full(self) -> bool:
        """Tell whether the server refuses since it is full."""
        if self.status == FULL:
            return True
        if self.status not in _MAY_BE_FULL:
            return False
        body = self.body[:_SEARCHED]
        return any(each in body for each in _FULL_CONDITIONS) or says_full(
            _TAG.sub(" ", body.decode(errors="replace"))
        )

    @property
    def words(self) -> str:
        """Return what the server says in words, "" if that is for programs."""
        if match := _MESSAGE.search(self.body):
            return brief(unescape(match[1].decode(errors="replace")))
        if self.headers.get("Content-Type", "").startswith("text/plain"):
            return brief(self.body.decode(errors="replace"))
        return ""


def refusal(answer: Answer, what: str, where: str) -> StorageError:
    """Return the cause of a refusal to do `what`; `where` names the server."""
    status = answer.status
    words = f": {answer.words}" if answer.words else ""
    said = f"HTTP {status}{words}"
    text = f"Failed to {what}: HTTP status {status}{words}"
    if 300 <= status < 400:
        return _redirected(answer, where)
    if answer.says_full:
        return NoSpace(text, said=said)
    match status:
        case HTTPStatus.UNAUTHORIZED:
            return AuthFailed(f"{where} refuses the login{words}", said=said)
        case HTTPStatus.FORBIDDEN:
            return PermissionDenied(text, said=said)
        case _ if answer.wants_tls:
            return CertificateRefused(
                f"{where} wants https:// at this port", hint="wants_tls"
            )
        case HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
            return Unreachable(
                f"A proxy before {where} wants a login", hint="proxy_wants_login"
            )
        case HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            return Rejected(
                f"{text}. The file is larger than the server allows",
                hint="file_too_large",
                said=said,
            )
        case _ if status == LOCKED:
            return Rejected(
                f"{text}. Another program has locked it",
                hint="file_locked",
                said=said,
            )
        case HTTPStatus.TOO_MANY_REQUESTS | HTTPStatus.SERVICE_UNAVAILABLE:
            return throttled(text, answer.headers.get("Retry-After"), said)
        case HTTPStatus.INTERNAL_SERVER_ERROR | HTTPStatus.NOT_IMPLEMENTED:
            return Rejected(text, said=said)
        case _ if is_trouble(status):
            return Unreachable(text, hint="server_failed", said=said)
    return Rejected(text, said=said)


def no_webdav(answer: Answer, where: str) -> NotWebdav:
    """Return the error of a server that answers, but not as WebDAV does."""
    if answer.is_page:
        return NotWebdav(
            f"{where} answers with a web page. Use the address for WebDAV, which the "
            "server's manual names",
            hint="web_page",
        )
    if answer.status == HTTPStatus.NOT_FOUND:
        return NotWebdav(
            f"{where} has no WebDAV folder at this address", hint="no_webdav_folder"
        )
    return NotWebdav(
        f"{where} does not speak WebDAV (HTTP status {answer.status})",
        said=f"HTTP {answer.status}",
    )


def _redirected(answer: Answer, where: str) -> StorageError:
    try:
        target = answer.url.join(URL(answer.headers["Location"]))
        target = target.with_user(None).with_query(None).with_fragment(None)
    except KeyError, ValueError:
        return Redirected(
            f"{where} sends us to another address, and does not say which"
        )
    address = brief(str(target))
    return Redirected(
        f"{where} sends us to another address: {address}",
        hint="leads_to",
        about=address,
    )
