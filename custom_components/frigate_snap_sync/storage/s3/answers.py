"""What an S3 server answers, by cause."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from html import unescape
import re
from typing import Final

from ..errors import (
    AuthFailed,
    BucketNotFound,
    CertificateRefused,
    ClockSkew,
    NoSpace,
    PermissionDenied,
    Redirected,
    Rejected,
    StorageError,
    Unreachable,
    WrongRegion,
)
from ..http.errors import is_trouble, throttled, wants_tls
from ..texts import brief, says_full

MAX_ERROR: Final = 16 * 1024
"""Bytes that are read of an answer which says what is wrong."""

MAX_SKEW: Final = 600.0
"""Seconds that clocks may differ without being the reason of a refusal."""

_AUTH: Final = frozenset(
    {
        *("InvalidAccessKeyId", "SignatureDoesNotMatch", "UserSuspended"),
        *("ExpiredToken", "InvalidToken", "InvalidSecurity", "NotSignedUp"),
        *("AccountProblem", "InvalidAccessKey", "Unauthorized", "UnauthorizedAccess"),
        # If it is not about the region.
        *("AuthorizationHeaderMalformed", "AuthorizationQueryParametersError"),
    }
)
_AWAY: Final = frozenset({"InternalError", "ServiceUnavailable", "RequestTimeout"})
"""What ails the server or the line, and no file: behind a 200, too, if it took long."""
_SKEW: Final = frozenset({"RequestTimeTooSkewed", "RequestExpired"})
_SKEW_TEXTS: Final = re.compile(
    r"exceeds the maximum allowed|time.{0,20}(skew|too large)|request has expired",
    re.IGNORECASE,
)
_REGION: Final = frozenset(
    {
        *("PermanentRedirect", "AuthorizationHeaderMalformed"),
        *("IllegalLocationConstraint", "InvalidRegionName", "InvalidRegion"),
    }
)
_NO_KEY: Final = re.compile(r"credential is mal-?formed|access key", re.IGNORECASE)
"""Words about a key ID that can be none: the secret in its place, say."""

_OF_S3: Final = ("ETag", "x-amz-request-id")
_NO_BUCKET: Final = frozenset({"NoSuchBucket", "InvalidBucketName"})
_REGION_TEXTS: Final = re.compile(r"expecting '([A-Za-z0-9_-]{1,63})'")
_FULL: Final = re.compile(
    r"Quota\w*Exceeded|QuotaExceeded|StorageFull|cap exceeded|InsufficientStorage"
    r"|no space left|NotEnoughSpace|EntityTooLargeForQuota",
    re.IGNORECASE,
)
_ERROR: Final = re.compile(r"<Error[\s>]")
_TEXT: Final = r"<{0}>([^<]{{1,2000}})</{0}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer; of one that is no success the beginning."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def text(self) -> str:
        """Return the beginning of the body."""
        return self.body[:MAX_ERROR].decode(errors="replace")

    @property
    def code(self) -> str:
        """Return the server's name of the cause, empty if it gives none."""
        return brief(value_of(self.text, "Code") or "")

    @property
    def is_s3(self) -> bool:
        """Tell whether the body is the error of an S3 server."""
        return _ERROR.search(self.text) is not None

    @property
    def is_odd(self) -> bool:
        """Tell whether something else than S3 has answered: a captive portal, say.

        By the body alone: some servers call an empty one a web page.
        """
        text = self.text.lstrip()
        is_xml = text.startswith("<?xml") and "<html" not in text[:1024].lower()
        return bool(text) and not is_xml and not self.is_s3


def value_of(text: str, name: str) -> str | None:
    """Return the text of the first element of that name, None if there is none."""
    found = re.search(_TEXT.format(name), text)
    return unescape(found[1]).strip() if found else None


def error_of(answer: Answer, what: str, where: str) -> StorageError:
    """Return the cause of a server's refusal to do `what`."""
    status, code = answer.status, answer.code
    message = brief(value_of(answer.text, "Message") or "")
    words = ": ".join(each for each in (code, message) if each)
    text = (
        f"Failed to {what}: {where} answered {status}{f' ({words})' if words else ''}"
    )
    said = ": ".join(filter(None, (f"HTTP {status}", words)))
    if (error := _region_error(answer, text, said)) is not None:
        return error
    if 300 <= status < 400:
        return _redirected(answer, where)
    if wants_tls(status, answer.text):
        return CertificateRefused(
            f"{where} speaks TLS: the address must begin with https://",
            hint="wants_tls",
        )
    if code in _SKEW or (status in (400, 403) and _SKEW_TEXTS.search(message)):
        return _clock_skew(answer, where)
    if (status in (400, 401, 403) and code in _AUTH) or status == 401:
        if abs(_skew_of(answer) or 0) > MAX_SKEW:
            return _clock_skew(answer, where)
        return AuthFailed(
            f"{where} refused the access key{f' ({words})' if words else ''}", said=said
        )
    is_throttled = status in (429, 503)  # Of requests there may be a quota, too.
    if (
        status == 507
        or _FULL.search(f"{code} {message}")
        or (says_full(message) and not is_throttled)
    ):
        return NoSpace(text, said=said)
    return _other_error(answer, text, where, said)


def _other_error(answer: Answer, text: str, where: str, said: str) -> StorageError:
    status, code = answer.status, answer.code
    if status in (429, 503) or code in ("SlowDown", "TooManyRequests"):
        return throttled(text, answer.headers.get("Retry-After"), said)
    if is_trouble(status) or code in _AWAY:
        return Unreachable(text, hint="server_failed", said=said)
    if answer.text and not answer.is_s3:
        return no_s3(answer, where)
    if code in _NO_BUCKET:
        return BucketNotFound(text)
    if status == 403:
        if abs(_skew_of(answer) or 0) > MAX_SKEW:
            return _clock_skew(answer, where)
        return PermissionDenied(text, said=said)
    return Rejected(text, said=said)


def deletion_error(answer: Answer, what: str, where: str) -> StorageError | None:
    """Return why nothing was deleted, None if it was or there was nothing."""
    if is_missing(answer):
        return None
    if answer.status not in (200, 204) or answer.is_s3:
        return error_of(answer, what, where)
    return no_s3(answer, where) if answer.is_odd else None


def is_missing(answer: Answer) -> bool:
    """Tell whether the server has nothing of that name in the bucket."""
    return answer.status == 404 and answer.code not in _NO_BUCKET and not answer.is_odd


def is_object(headers: Mapping[str, str]) -> bool:
    """Tell whether a success is about an object: of S3 each has an ETag.

    Any of S3's own headers will do. A web page, which may have an ETag, is none.
    """
    is_page = "html" in headers.get("Content-Type", "")
    return not is_page and any(name in headers for name in _OF_S3)


def may_be_elsewhere(error: StorageError) -> bool:
    """Tell whether a server may have been asked at a wrong form of its address.

    It answered as S3 does, but what was asked for is no bucket there.
    """
    is_at_first = error.step is None
    return is_at_first and type(error) in (Rejected, PermissionDenied)


def no_s3(answer: Answer, where: str) -> Unreachable:
    """Return the error of an answer that no S3 server gives: a web page, say."""
    said = brief(re.sub(r"<[^>]*>", " ", answer.text))[:100]
    quoted = f" (“{said}”)" if said else ""
    return Unreachable(
        f"What answers at {where} is no S3 server{quoted}. Use the address of its S3 API",
        hint="no_s3",
        said=said,
    )


def region_of(answer: Answer) -> str | None:
    """Return the region that an answer names, None if it names none."""
    found = _REGION_TEXTS.search(unescape(answer.text))
    named = (
        value_of(answer.text, "Region")
        or answer.headers.get("x-amz-bucket-region")
        or (found[1] if found else None)
    )
    return named if named and re.fullmatch(r"[A-Za-z0-9_-]{1,63}", named) else None


def _region_error(answer: Answer, text: str, said: str) -> WrongRegion | None:
    is_moved = answer.status == 301 and "x-amz-bucket-region" in answer.headers
    if answer.code not in _REGION and not is_moved:
        return None
    region = region_of(answer)
    if region is None and _NO_KEY.search(answer.text):
        return None
    if region is None:
        return WrongRegion(text, said=said)
    return WrongRegion(f"The bucket lies in the region {region}", region=region)


def _redirected(answer: Answer, where: str) -> Redirected:
    to = value_of(answer.text, "Endpoint") or answer.headers.get("Location", "")
    to = brief(to.partition("?")[0])
    leads = f" to {to}" if to else ""
    return Redirected(
        f"{where} leads{leads}, which is not followed. Use that address",
        hint="leads_to" if to else "",
        about=to,
    )


def _skew_of(answer: Answer) -> float | None:
    """Return the seconds by which our clock is ahead of the server's."""
    try:
        theirs = parsedate_to_datetime(answer.headers.get("Date", ""))
        return (datetime.now(UTC) - theirs).total_seconds()
    except ValueError, TypeError, OverflowError:
        return None


def _clock_skew(answer: Answer, where: str) -> ClockSkew:
    text = f"{where} refused the login because of the clock"
    skew = _skew_of(answer)
    if skew is None or abs(skew) <= 60:
        return ClockSkew(text)
    way, hint = ("ahead of", "clock_ahead") if skew > 0 else ("behind", "clock_behind")
    minutes = f"{abs(skew) / 60:.0f}"
    return ClockSkew(
        f"{text}: this machine's is {minutes} minutes {way} it",
        hint=hint,
        about=minutes,
    )
