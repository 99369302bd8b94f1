"""What aiohttp raises, by cause."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
import os
import re
import ssl
from typing import Final

import aiohttp

from ..errors import (
    CONNECTING,
    CertificateRefused,
    ConnectTimeout,
    StorageError,
    Throttled,
    Unreachable,
    Unusable,
)
from ..texts import brief

_PLAIN_FOR_TLS: Final = re.compile(
    # Go, nginx, Apache, Tomcat
    r"HTTP request.{0,20}to (an )?HTTPS|plain HTTP to an SSL-enabled|requires TLS",
    re.IGNORECASE | re.DOTALL,
)

_TROUBLE: Final = frozenset(
    {
        # The server did not wait for all of a slow request.
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.MISDIRECTED_REQUEST,
        HTTPStatus.TOO_EARLY,
    }
)


def wants_tls(status: int, text: str) -> bool:
    """Tell whether a server answers at a port that speaks TLS, to plain HTTP."""
    return status == HTTPStatus.BAD_REQUEST and bool(_PLAIN_FOR_TLS.search(text))


def is_trouble(status: int) -> bool:
    """Tell whether it says that server or line have a problem, and not the request."""
    return status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _TROUBLE


@contextmanager
def errors_by_cause(where: str) -> Iterator[None]:
    """Turn what aiohttp raises into the `StorageError` of its cause.

    `where` names the server. The texts are our own: those of aiohttp hold whole
    addresses.
    """
    try:
        yield
    except (TimeoutError, aiohttp.ClientError, OSError, UnicodeError) as err:
        raise connection_error(err, where) from err


@contextmanager
def legal_request(where: str) -> Iterator[None]:
    """Turn it into `Unusable` that aiohttp sends no header with a control character.

    `where` names the server.
    """
    try:
        yield
    except aiohttp.ClientError, UnicodeError:
        raise
    except ValueError as err:
        raise Unusable(f"What is stored can't be sent to {where}") from err


def connection_error(err: Exception, where: str) -> StorageError:
    """Return the cause of a request that brought no answer."""
    error: StorageError
    match err:
        case aiohttp.ConnectionTimeoutError():
            error = ConnectTimeout(f"{where} can't be reached in time")
            error.step = CONNECTING
        case TimeoutError():
            error = ConnectTimeout(f"{where} does not answer in time")
        case aiohttp.ClientConnectorCertificateError():
            said = _why(err.certificate_error)
            error = CertificateRefused(
                f"The certificate of {where} was refused{_with(said)}", said=said
            )
            error.step = CONNECTING
        case aiohttp.ClientSSLError() | ssl.SSLError():
            error = _tls_error(err, where)
            error.step = CONNECTING
        case aiohttp.ClientConnectorDNSError():
            error = Unreachable(
                f"The host name of {where} is not known", hint="unknown_host"
            )
            error.step = CONNECTING
        case aiohttp.ClientConnectorError():
            said = _why(err)
            error = Unreachable(f"{where} can't be reached{_with(said)}", said=said)
            error.step = CONNECTING
        case aiohttp.ServerDisconnectedError():
            error = Unreachable(
                f"{where} closed the connection without an answer", hint="no_answer"
            )
        case aiohttp.ClientResponseError():
            error = Unreachable(f"{where} does not speak HTTP", hint="no_http")
        case _:
            said = _why(err)
            error = Unreachable(
                f"The connection to {where} broke{_with(said)}",
                hint="connection_broke",
                said=said,
            )
    return error


def throttled(text: str, header: str | None, said: str) -> Throttled:
    """Return the error of a server that asks to wait, as its `Retry-After` says."""
    return Throttled(text, retry_after=retry_after(header), said=said)


def retry_after(header: str | None, *, now: datetime | None = None) -> float | None:
    """Return the seconds that a `Retry-After` asks for: a number, or a date."""
    if header is None:
        return None
    header = header.strip()
    if header.isascii() and header.isdecimal() and len(header) < 10:
        return float(header)
    try:
        moment = parsedate_to_datetime(header)
    except ValueError, TypeError, OverflowError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - (now or datetime.now(UTC))).total_seconds())


def _tls_error(err: Exception, where: str) -> CertificateRefused:
    cause = getattr(err, "os_error", err)
    if getattr(cause, "reason", None) in {"WRONG_VERSION_NUMBER", "HTTP_REQUEST"}:
        return CertificateRefused(
            f"{where} speaks no TLS: this port wants http://", hint="no_tls"
        )
    said = _why(err)
    return CertificateRefused(
        f"No TLS connection to {where}{_with(said)}", hint="tls_failed", said=said
    )


def _with(said: str) -> str:
    """Return words as they follow in an error's text, empty if there are none."""
    return f": {said}" if said else ""


def _why(err: BaseException) -> str:
    """Return the operating system's or TLS library's own words for an error."""
    cause = getattr(err, "os_error", err)
    if isinstance(cause, ssl.SSLError):
        words = [getattr(cause, name, None) for name in ("verify_message", "reason")]
        return next((brief(word) for word in words if word), "")
    number = getattr(cause, "errno", None)
    if isinstance(number, int) and number > 0:
        # Not its own text: asyncio puts the address there.
        return os.strerror(number)
    return ""
