"""Where a bucket is, who we are there, and by which addresses it is reached."""

from dataclasses import dataclass, field
from enum import StrEnum
import re
from typing import Final

from yarl import URL

from ..base import path_segments
from ..errors import InvalidPath, Unusable
from ..http.address import InvalidUrl, parse_url

DEFAULT_REGION: Final = "us-east-1"
"""What servers take that know no regions; AWS names the right one if it is another."""

MAX_KEY: Final = 1024
"""Bytes of the name of an object, prefix included."""

MAX_NAME: Final = 255
"""Bytes of a name between two slashes: many servers keep objects in folders of a disk."""

MAX_PREFIX: Final = 512
"""Bytes of the prefix, so that names fit behind it."""

_BUCKET: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,254}")
_OF_S3: Final = re.compile(r"(s3|oss|cos|obs)[.-]", re.IGNORECASE)
"""How the hosts of large providers begin, and of many others."""

_REGION: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")


class InvalidBucket(ValueError):
    """The text can't be the name of a bucket."""


class InvalidRegion(ValueError):
    """The text can't be the name of a region."""


class Addressing(StrEnum):
    """Where the bucket stands in an address: in its path, or before its host."""

    PATH = "path"
    VIRTUAL = "virtual"

    @property
    def other(self) -> Addressing:
        """Return the form to try when this one does not work."""
        return next(form for form in Addressing if form is not self)


class Proof(StrEnum):
    """What proves that an object arrived whole: its ETag, or the server's word.

    A bucket with encryption of its own (SSE-KMS) answers ETags that are no MD5. Then
    the proof is that the server took the `Content-MD5`.
    """

    ETAG = "etag"
    CONTENT_MD5 = "content_md5"


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Settings:
    """Where a bucket is, and who we are there.

    `path` is the prefix of all names, empty for none. What a test has found out:
    `addressing` and `proof` (None: it is still to be found out), and what the key can
    do besides writing, if that is known (`limits_known`). One that could list
    (`can_list`) and may not any more has lost rights.
    """

    endpoint_url: str
    region: str
    bucket: str
    access_key_id: str
    secret_access_key: str = field(repr=False)
    path: str = ""
    addressing: Addressing | None = None
    proof: Proof | None = None
    can_read: bool = True
    can_delete: bool = True
    can_list: bool = False
    limits_known: bool = False


def clean_bucket(text: str) -> str:
    """Return the name of a bucket as it was typed, without blanks around it.

    Raises `InvalidBucket`.
    """
    text = text.strip()
    if not _BUCKET.fullmatch(text) or ".." in text:
        raise InvalidBucket("not the name of a bucket")
    return text


def clean_region(text: str) -> str:
    """Return the name of a region, the usual one if none was typed.

    Raises `InvalidRegion`.
    """
    text = text.strip()
    if not text:
        return DEFAULT_REGION
    if not _REGION.fullmatch(text):
        raise InvalidRegion("not the name of a region")
    return text


def clean_prefix(text: str) -> str:
    """Return a prefix without blanks and slashes around it.

    It is taken as it is: `%2f` is no slash. Raises `InvalidPath` for one that leads
    upwards or is too long for names to fit.
    """
    text = text.strip().strip("/")
    if not text:
        return ""
    segments = path_segments(text)
    if not text.isprintable():
        # Before sizes are taken: a lone surrogate has none.
        raise InvalidPath("The path can't be printed", hint="odd_characters")
    if any(len(segment.encode()) > MAX_NAME for segment in segments):
        raise InvalidPath(
            f"The path has a name of more than {MAX_NAME} bytes",
            hint="too_long_name",
            about=MAX_NAME,
        )
    if len(text.encode()) > MAX_PREFIX:
        raise InvalidPath(
            f"The path has more than {MAX_PREFIX} bytes",
            hint="too_long_path",
            about=MAX_PREFIX,
        )
    return text


def endpoints(text: str, bucket: str) -> tuple[str, ...]:
    """Return the addresses of the server that was typed, the likely one first.

    One that begins with the bucket's name may have been typed with the bucket. But it
    may be called so: then the rest is another owner's, and is only asked if the server
    at the address as it was typed says that this is no bucket. Raises `InvalidUrl`.
    """
    url = parse_url(text)
    path = url.raw_path.rstrip("/")
    if path.lower() == f"/{bucket.lower()}":
        path = ""
    if path:
        raise InvalidUrl("the address of an S3 server has no path")
    host = url.host or ""
    rest = host[len(bucket) + 1 :]
    hosts = [host]
    if host.lower() == f"{bucket}.{rest}".lower() and rest and not _is_address(host):
        hosts.insert(0 if _OF_S3.match(rest) else 1, rest)
    return tuple(str(url.with_path("/").with_host(x)).rstrip("/") for x in hosts)


def base_of(settings: S3Settings, addressing: Addressing) -> URL:
    """Return the address of the bucket; names of objects follow behind a slash."""
    try:
        endpoint = parse_url(settings.endpoint_url)
        bucket = clean_bucket(settings.bucket)
    except (InvalidUrl, InvalidBucket) as err:
        raise Unusable("The stored address or bucket can't be used") from err
    if addressing is Addressing.VIRTUAL:
        return endpoint.with_host(f"{bucket.lower()}.{endpoint.host}")
    return endpoint / bucket


def candidates(settings: S3Settings) -> tuple[Addressing, ...]:
    """Return the forms of addresses that may work, the likely one first."""
    if settings.addressing is not None:
        return (settings.addressing,)
    host = URL(settings.endpoint_url).host or ""
    if (
        "." in settings.bucket
        or "_" in settings.bucket
        or settings.bucket != settings.bucket.lower()
        or _is_address(host)
    ):
        # No certificate fits two levels, and an IP address has none. A host name has no
        # upper case: in small letters it would be another owner's bucket.
        return (Addressing.PATH,)
    first = (
        Addressing.VIRTUAL
        if host.lower().endswith((".amazonaws.com", ".aliyuncs.com", ".myqcloud.com"))
        else Addressing.PATH
    )
    return (first, first.other)


def _is_address(host: str) -> bool:
    return ":" in host or host.replace(".", "").isdecimal()
