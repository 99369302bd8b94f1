"""Buckets: what servers answer, files in parts, keys that can do little, odd servers."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
import hashlib
from pathlib import Path
from typing import Any

from aiohttp import web
import pytest

from custom_components.frigate_snap_sync.storage.base import Source, StoredFile
from custom_components.frigate_snap_sync.storage.check import (
    FIXED_PROBE,
    check_destination,
)
from custom_components.frigate_snap_sync.storage.errors import (
    AuthFailed,
    BucketNotFound,
    CertificateRefused,
    ClockSkew,
    InvalidPath,
    NoSpace,
    PermissionDenied,
    Redirected,
    Rejected,
    SourceDamaged,
    StorageError,
    Throttled,
    Unreachable,
    WrongRegion,
)
from custom_components.frigate_snap_sync.storage.http.address import InvalidUrl
from custom_components.frigate_snap_sync.storage.s3.answers import Answer, error_of
from custom_components.frigate_snap_sync.storage.s3.destination import S3Destination
from custom_components.frigate_snap_sync.storage.s3.listing import parse_list
from custom_components.frigate_snap_sync.storage.s3.settings import (
    Addressing,
    InvalidBucket,
    candidates,
    clean_bucket,
    clean_prefix,
    endpoints,
)
from custom_components.frigate_snap_sync.storage.s3.upload import part_size
from custom_components.frigate_snap_sync.storage.source import FileSource

from ..harness.s3_servers import CephGateway
from ..waiting import promptly, until
from .conftest import MakeSource
from .places import Ceph, Place, Rclone, s3_settings, sessions
from .test_conformance import read

MIB = 1024 * 1024
LARGE = 70 * MIB

in_buckets = pytest.mark.parametrize(
    "place", [(Rclone, False), (Ceph, False)], ids=["rclone", "ceph"], indirect=True
)
at_ceph = pytest.mark.parametrize("place", [(Ceph, False)], ids=["ceph"], indirect=True)


def now(minutes: float = 0) -> str:
    """Return the date of an answer of a clock that is wrong by so many minutes."""
    return format_datetime(datetime.now(UTC) + timedelta(minutes=minutes), usegmt=True)


MALFORMED = (
    "The authorization header is malformed; the Credential is mal-formed; expecting"
    " &quot;&lt;YOUR-AKID&gt;/YYYYMMDD/REGION/SERVICE/aws4_request&quot;."
)


def error_xml(code: str, message: str = "", more: str = "") -> bytes:
    """Return the body of a refusal."""
    text = f"<Error><Code>{code}</Code><Message>{message}</Message>{more}</Error>"
    return f'<?xml version="1.0"?>{text}'.encode()


@pytest.mark.parametrize(
    ("status", "body", "headers", "expected"),
    [
        (403, error_xml("InvalidAccessKeyId"), {}, AuthFailed),
        (403, error_xml("SignatureDoesNotMatch"), {}, AuthFailed),
        (403, error_xml("UserSuspended"), {}, AuthFailed),
        (401, b"", {}, AuthFailed),
        (403, error_xml("SignatureDoesNotMatch"), {"Date": now(-90)}, ClockSkew),
        (403, error_xml("RequestTimeTooSkewed"), {"Date": now(20)}, ClockSkew),
        (
            400,
            error_xml("AccessDenied", "It exceeds the maximum allowed"),
            {},
            ClockSkew,
        ),
        (404, error_xml("NoSuchBucket"), {}, BucketNotFound),
        (400, error_xml("InvalidBucketName"), {}, BucketNotFound),
        (400, error_xml("InvalidRegionName"), {}, WrongRegion),
        (301, error_xml("PermanentRedirect"), {}, WrongRegion),
        (301, b"", {"x-amz-bucket-region": "eu-north-1"}, WrongRegion),
        (400, error_xml("AuthorizationHeaderMalformed"), {}, WrongRegion),
        # The secret in the place of the key's ID: it has slashes.
        (400, error_xml("AuthorizationHeaderMalformed", MALFORMED), {}, AuthFailed),
        (
            400,
            error_xml("AuthorizationQueryParametersError", MALFORMED),
            {},
            AuthFailed,
        ),
        (403, error_xml("AccessDenied"), {}, PermissionDenied),
        (403, error_xml("QuotaExceeded"), {}, NoSpace),
        (500, error_xml("InternalError", "The disk is full"), {}, NoSpace),
        (403, error_xml("AccessDenied", "not enough space"), {}, NoSpace),
        (503, error_xml("Busy", "No space left on device"), {}, NoSpace),
        (503, error_xml("Busy", "Quota of it"), {"Retry-After": "7"}, Throttled),
        (507, b"", {}, NoSpace),
        (507, error_xml("XMinioStorageFull"), {}, NoSpace),
        (400, error_xml("BadDigest"), {}, Rejected),
        (404, error_xml("NoSuchUpload"), {}, Rejected),
        (412, error_xml("PreconditionFailed"), {}, Rejected),
        (429, b"", {"Retry-After": "7"}, Throttled),
        (503, error_xml("SlowDown"), {"Retry-After": "7"}, Throttled),
        (500, error_xml("InternalError"), {}, Unreachable),
        # Behind a 200 that was sent to keep us waiting.
        (200, error_xml("InternalError"), {}, Unreachable),
        (200, error_xml("SlowDown"), {"Retry-After": "7"}, Throttled),
        (400, error_xml("RequestTimeout"), {}, Unreachable),
        # Of a proxy that does not wait for a slow body.
        (408, b"", {}, Unreachable),
        (408, b"<html><title>Request Timeout</title></html>", {}, Unreachable),
        (421, b"", {}, Unreachable),
        (425, b"", {}, Unreachable),
        (302, b"", {"Location": "https://portal.example/login?token=x"}, Redirected),
        (404, b"<html><title>Not here</title></html>", {}, Unreachable),
        (
            400,
            b"Client sent an HTTP request to an HTTPS server.",
            {},
            CertificateRefused,
        ),
        (
            400,
            b"<html>You're speaking plain HTTP to an SSL-enabled server port.</html>",
            {},
            CertificateRefused,
        ),
    ],
)
def test_causes(
    status: int, body: bytes, headers: dict[str, str], expected: type[StorageError]
) -> None:
    """Each answer becomes the error of its cause, and no text of a server grows."""
    err = error_of(
        Answer(status=status, headers=headers, body=body), "do it", "nas:9000"
    )
    assert type(err) is expected
    assert len(str(err)) < 1000
    if isinstance(err, Throttled):
        assert err.retry_after == 7.0
    assert "token" not in str(err)


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (error_xml("AuthorizationHeaderMalformed", more="<Region>eu-1</Region>"), {}),
        (
            error_xml(
                "AuthorizationHeaderMalformed",
                "the region 'us-east-1' is wrong; expecting 'eu-1'",
            ),
            {},
        ),
        (error_xml("PermanentRedirect"), {"x-amz-bucket-region": "eu-1"}),
    ],
)
def test_the_right_region_is_taken_from_the_answer(
    body: bytes, headers: dict[str, str]
) -> None:
    """In whatever way the server names it."""
    err = error_of(Answer(status=400, headers=headers, body=body), "x", "nas:1")
    assert isinstance(err, WrongRegion)
    assert err.region == "eu-1"


def test_a_region_is_no_text_of_a_server() -> None:
    """What can't be a region is not offered."""
    body = error_xml("PermanentRedirect", more="<Region>a b</Region>")
    err = error_of(Answer(status=301, headers={}, body=body), "x", "nas:1")
    assert isinstance(err, WrongRegion)
    assert err.region is None


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (" https://s3.example/ ", ["https://s3.example"]),
        ("http://10.0.0.2:9000", ["http://10.0.0.2:9000"]),
        (
            "https://evidence.s3.example",
            ["https://s3.example", "https://evidence.s3.example"],
        ),
        (
            "https://Evidence.example:9000",
            ["https://evidence.example:9000", "https://example:9000"],
        ),
        ("https://evidence", ["https://evidence"]),
        ("https://evidence.", ["https://evidence."]),
        ("https://s3.example/evidence/", ["https://s3.example"]),
        ("https://s3.example/other", None),
        ("https://key:secret@s3.example", None),
        ("s3://evidence", None),
        ("s3.example", None),
        ("https://s3.example/..", None),
        ("https://s3.example/%2e%2e/x", None),
    ],
)
def test_endpoints(typed: str, expected: list[str] | None) -> None:
    """The address of a server, also as consoles show it with the bucket.

    A server may be called as the bucket is: only providers' hosts are no such.
    """
    if expected is None:
        with pytest.raises(InvalidUrl) as refused:
            endpoints(typed, "evidence")
        assert "secret" not in str(refused.value)
    else:
        assert endpoints(typed, "evidence") == tuple(expected)


def test_no_bucket_of_another_is_asked() -> None:
    """A host name has no upper case: before one it would be another bucket."""
    settings = s3_settings("https://s3.eu-central-1.amazonaws.com", bucket="Evidence")
    assert candidates(settings) == (Addressing.PATH,)
    settings = replace(settings, bucket="evidence")
    assert candidates(settings) == (Addressing.VIRTUAL, Addressing.PATH)


def test_buckets_and_prefixes() -> None:
    """Blanks and slashes around them go; what can't be one is refused."""
    assert clean_bucket(" my.bucket ") == "my.bucket"
    for bad in ("", "a", "a/b", "a..b", "ü", "a b", "x" * 300, "<b>"):
        with pytest.raises(InvalidBucket):
            clean_bucket(bad)
    assert clean_prefix(" /a/Küche/ ") == "a/Küche"
    assert clean_prefix("a%2fb") == "a%2fb"
    assert clean_prefix("/") == ""
    assert clean_prefix(f"{'p' * 255}/{'p' * 45}") == f"{'p' * 255}/{'p' * 45}"
    for bad in (
        "..",
        "a/../b",
        "a//b",
        "a\0b",
        "a\nb",
        "\udc80",
        "p" * 300,
        "a/" * 300,
    ):
        with pytest.raises(InvalidPath):
            clean_prefix(bad)


def test_parts_are_never_too_many() -> None:
    """S3 takes ten thousand."""
    assert part_size(100 * MIB) == 16 * MIB
    size = part_size(500 * 1024 * MIB)
    assert size % MIB == 0
    assert -(-500 * 1024 * MIB // size) <= 10_000


def test_a_list_is_plain_xml() -> None:
    """One that could grow is refused, and names that are no paths are left out."""
    with pytest.raises(Rejected):
        parse_list(b'<!DOCTYPE x [<!ENTITY a "b">]><ListBucketResult/>', "")
    with pytest.raises(Rejected):
        parse_list(b"<ListBucketResult>", "")
    rows = "".join(
        f"<Contents><Key>p/{key}</Key><Size>{size}</Size></Contents>"
        for key, size in (("a", 1), ("b/", 0), ("c//d", 1), ("../e", 1), ("f", "x"))
    )
    page = parse_list(f"<ListBucketResult>{rows}</ListBucketResult>".encode(), "p/")
    assert page.files == (StoredFile(path="a", size=1),)


# Real servers


async def put_prepared(place: Place, path: str, source: Source) -> str:
    """Put as the engine does; return what was remembered of it."""
    destination = place.destination
    temporary = await destination.prepare(path, source, temporary="a/.x.tmp")
    await destination.put(path, source, temporary=temporary)
    return temporary


def unfinished(place: Place) -> list[str]:
    """Return the ids of the uploads that Ceph holds unfinished."""
    assert isinstance(place, Ceph)
    found = place.boto.list_multipart_uploads(Bucket=place.bucket)
    return [upload["UploadId"] for upload in found.get("Uploads", ())]


@in_buckets
async def test_a_large_file_goes_in_parts(
    place: Place, make_source: MakeSource
) -> None:
    """It arrives whole; a small one gets no other name than it was given."""
    small = make_source(10)
    assert await place.destination.prepare("a/s", small, temporary="t") == "t"
    source = make_source(LARGE + 5)
    temporary = await put_prepared(place, "a/large.mp4", source)
    assert temporary.startswith("a/large.mp4?uploadId=")
    assert place.content("a/large.mp4") == source.read_bytes()
    assert await place.destination.stat("a/large.mp4") == StoredFile(
        path="a/large.mp4", size=LARGE + 5
    )
    # As after a crash right behind the end.
    await place.destination.discard(temporary)
    assert place.content("a/large.mp4") is not None


@at_ceph
async def test_unfinished_uploads_are_ended(
    place: Place, make_source: MakeSource
) -> None:
    """By a cancel, a damaged source, `discard`, and the next try after a crash."""
    destination, source = place.destination, make_source(LARGE)
    temporary = await destination.prepare("a/f", source, temporary="a/t")
    assert len(unfinished(place)) == 1
    task = asyncio.create_task(destination.put("a/f", source, temporary=temporary))
    await asyncio.sleep(0.15)
    task.cancel()
    async with promptly():
        await asyncio.gather(task, return_exceptions=True)
    await until(lambda: not unfinished(place))

    damaged = FileSource(source.path, size=LARGE, sha256="0" * 64)
    temporary = await destination.prepare("a/f", damaged, temporary="a/t")
    with pytest.raises(SourceDamaged):
        await destination.put("a/f", damaged, temporary=temporary)
    assert not unfinished(place)

    temporary = await destination.prepare("a/f", source, temporary="a/t")
    await destination.discard(temporary)
    await destination.discard(temporary)
    assert not unfinished(place)

    # Its id was never kept.
    await destination.prepare("a/f", source, temporary="a/t")
    await destination.prepare("a/other", source, temporary="a/t")
    again = await destination.prepare("a/f", source, temporary="a/t")
    assert len(unfinished(place)) == 2
    await destination.put("a/f", source, temporary=again)
    assert len(unfinished(place)) == 1
    assert place.paths() == {"a/f"}
    with pytest.raises(Rejected):
        await destination.put("a/f", source, temporary="a/g?uploadId=x")
    with pytest.raises(InvalidPath):
        await destination.discard("../f?uploadId=x")


@asynccontextmanager
async def limited(
    place: Ceph, gateway: CephGateway, *actions: str, is_sub_user: bool = False
) -> AsyncGenerator[S3Destination]:
    """Yield a destination with a key that may do these actions alone.

    What a sub-user writes belongs to the owner of the bucket.
    """
    user, key = f"u-{place.bucket}", f"u-{place.bucket}"
    keys = (f"--access-key={key}", "--secret-key=secretsecret2")
    if is_sub_user:
        user = f"t:{place.bucket}"
        which = ("--uid=t", f"--subuser={user}", "--access=write", "--key-type=s3")
        gateway.admin("subuser", "create", *which, *keys)
    else:
        gateway.admin("user", "create", f"--uid={user}", "--display-name=u", *keys)
    place.allow(*actions, principal=f"arn:aws:iam:::user/{user}")
    settings = s3_settings(
        gateway.url,
        bucket=place.bucket,
        access_key_id=key,
        secret_access_key="secretsecret2",
    )
    async with sessions() as open_session:
        destination = S3Destination(settings, open_session=open_session)
        yield destination
        await destination.close()


@pytest.mark.parametrize("is_sub_user", [False, True])
@at_ceph
async def test_a_key_that_can_only_write(
    place: Ceph,
    ceph: CephGateway,
    make_source: MakeSource,
    tmp_path: Path,
    is_sub_user: bool,
) -> None:
    """The test finds that out and leaves one object; uploads work without a look."""
    async with limited(
        place, ceph, "s3:PutObject", is_sub_user=is_sub_user
    ) as destination:
        for _ in range(2):
            result = await check_destination(destination, workdir=tmp_path / "work")
            assert (result.can_read, result.can_delete) == (False, False)
            assert place.paths() == {FIXED_PROBE}
        assert destination.findings == {"addressing": "path", "proof": "etag"}
        known = S3Destination(
            replace(
                destination._settings,  # noqa: SLF001
                can_read=False,
                can_delete=False,
                limits_known=True,
            ),
            open_session=destination._requests._open_session,  # noqa: SLF001
        )
        source = make_source(LARGE)
        assert await known.prepare("a/f", source, temporary="a/t") == "a/t"
        stored = await known.put("a/f", source, temporary="a/t")
        assert stored == StoredFile(path="a/f", size=LARGE)
        assert not unfinished(place)
        with pytest.raises(PermissionDenied):
            await read(known, "a/f")
        with pytest.raises(PermissionDenied):
            await known.delete("a/f")
        await known.discard("a/t")
        if is_sub_user:
            assert place.content("a/f") == source.read_bytes()
        else:  # Its writer owns it.
            place.boto.delete_bucket_policy(Bucket=place.bucket)
            assert await read(known, "a/f") == source.read_bytes()
        await known.close()


@at_ceph
async def test_a_key_that_may_not_list(
    place: Ceph, ceph: CephGateway, tmp_path: Path
) -> None:
    """What is missing looks forbidden to it, and it can do all it needs."""
    actions = ("s3:PutObject", "s3:GetObject", "s3:DeleteObject")
    async with limited(place, ceph, *actions) as destination:
        result = await check_destination(destination, workdir=tmp_path / "work")
        assert (result.can_read, result.can_delete) == (True, True)
        assert "can_list" not in destination.findings
    assert place.paths() == set()


@at_ceph
async def test_object_lock(
    place: Ceph, ceph: CephGateway, make_source: MakeSource, tmp_path: Path
) -> None:
    """Where nothing is ever lost, all works; what is deleted is no longer seen."""
    bucket = f"{place.bucket}-locked"
    place.boto.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True)
    place.boto.put_object_lock_configuration(
        Bucket=bucket,
        ObjectLockConfiguration={
            "ObjectLockEnabled": "Enabled",
            "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 1}},
        },
    )
    async with sessions() as open_session:
        destination = S3Destination(
            s3_settings(ceph.url, bucket=bucket), open_session=open_session
        )
        await check_destination(destination, workdir=tmp_path / "work")
        source = make_source(LARGE)
        temporary = await destination.prepare("a/f", source, temporary="a/t")
        await destination.put("a/f", source, temporary=temporary)
        assert await read(destination, "a/f") == source.read_bytes()
        await destination.delete("a/f")
        assert await destination.stat("a/f") is None
        await destination.close()


@at_ceph
async def test_a_bucket_before_the_host_name(
    place: Ceph, ceph: CephGateway, make_source: MakeSource
) -> None:
    """The other form of the address works as well."""
    settings = s3_settings(
        ceph.url.replace("127.0.0.1", "localhost"),
        bucket=place.bucket,
        addressing=Addressing.VIRTUAL,
    )
    async with sessions() as open_session:
        destination = S3Destination(settings, open_session=open_session)
        source = make_source(1000)
        await destination.put("a/f", source, temporary="a/t")
        assert place.content("a/f") == source.read_bytes()
        await destination.close()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"bucket": "none-of-these"}, BucketNotFound),
        ({"secret_access_key": "another-secret"}, AuthFailed),
        ({"access_key_id": "AKIDNOBODY"}, AuthFailed),
    ],
)
@in_buckets
async def test_settings_that_are_wrong(
    place: Place, changes: dict[str, Any], expected: type[StorageError]
) -> None:
    """A real server's refusal becomes the error of its cause, and holds no secret."""
    settings = place.destination._settings  # type: ignore[attr-defined]  # noqa: SLF001
    async with sessions() as open_session:
        wrong = S3Destination(replace(settings, **changes), open_session=open_session)
        with pytest.raises(expected) as refused:
            await wrong.connect()
        assert "secret" not in str(refused.value)
        await wrong.close()


LISTED = b"<ListBucketResult></ListBucketResult>"


class Bucket:
    """Keeps objects, and gives what ETag, status and headers a test wants."""

    def __init__(self) -> None:
        """Be like AWS."""
        self.objects: dict[str, bytes] = {}
        self.etag: Callable[[bytes], str] = lambda content: hashlib.md5(
            content, usedforsecurity=False
        ).hexdigest()
        self.headers: dict[str, str] = {}
        self.status = 200
        self.parts: dict[int, bytes] = {}
        self.loses = False
        """Whether what was put together is lost."""
        self.etag_of_parts: Callable[[list[bytes]], str] = lambda parts: ""
        """The ETag of what was put together: rarely does a server name none."""
        self.lists = True
        """Whether the key may list: else all that is missing is forbidden."""
        self.denies = False
        """Whether all is forbidden."""

    async def weak(self, request: web.Request) -> web.StreamResponse:
        """Answer through a proxy that may compress."""
        response = await self.handle(request)
        if "ETag" in response.headers:
            response.headers["ETag"] = f"W/{response.headers['ETag']}"
        return response

    async def handle_parts(self, request: web.Request) -> web.StreamResponse:
        """Answer to multipart uploads, too."""
        key = request.match_info["path"].partition("/")[2]
        query = request.query
        if request.method == "POST" and "uploads" in query:
            return web.Response(text="<R><UploadId>u</UploadId></R>")
        if request.method == "GET" and "uploads" in query:
            return web.Response(text="<ListMultipartUploadsResult/>")
        if "partNumber" in query:
            content = await request.read()
            self.parts[int(query["partNumber"])] = content
            return web.Response(headers={"ETag": f'"{self.etag(content)}"'})
        if request.method == "POST":
            parts = [self.parts[number] for number in sorted(self.parts)]
            if not self.loses:
                self.objects[key] = b"".join(parts)
            self.parts.clear()
            etag = f"<ETag>&quot;{self.etag_of_parts(parts)}&quot;</ETag>"
            name = "CompleteMultipartUploadResult"
            return web.Response(text=f"<{name}>{etag}</{name}>")
        if not self.lists and ("list-type" in query or key not in self.objects):
            return web.Response(status=403, body=error_xml("AccessDenied"))
        return await self.handle(request)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer as S3 does."""
        key = request.match_info["path"].partition("/")[2]
        if self.denies:
            return web.Response(status=403, body=error_xml("AccessDenied"))
        match request.method:
            case "PUT":
                content = await request.read()
                self.objects[key] = content
                headers = {"ETag": f'"{self.etag(content)}"', **self.headers}
                return web.Response(status=self.status, headers=headers)
            case "GET" if "list-type" in request.query:
                return web.Response(body=LISTED)
            case "DELETE":
                self.objects.pop(key, None)
                return web.Response(status=204)
        if key not in self.objects:
            return web.Response(status=404, body=error_xml("NoSuchKey"))
        found = self.objects[key]
        return web.Response(body=found, headers={"ETag": f'"{self.etag(found)}"'})
