"""The S3 destination at servers that do what real ones do seldom."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
import hashlib
from pathlib import Path
from typing import Any

from aiohttp import web
import pytest

from custom_components.frigate_snap_sync.storage.check import check_destination
from custom_components.frigate_snap_sync.storage.errors import (
    AuthFailed,
    BucketNotFound,
    ClockSkew,
    ConnectTimeout,
    InvalidPath,
    PermissionDenied,
    Redirected,
    Rejected,
    StorageError,
    Throttled,
    Unreachable,
    Unusable,
    WrongRegion,
)
from custom_components.frigate_snap_sync.storage.http.limits import HttpLimits
from custom_components.frigate_snap_sync.storage.s3.destination import S3Destination
from custom_components.frigate_snap_sync.storage.s3.settings import Addressing, Proof
from custom_components.frigate_snap_sync.storage.s3.unfinished import name_of
from custom_components.frigate_snap_sync.storage.source import FileSource
from custom_components.frigate_snap_sync.storage.wrappers import wrapped

from ..waiting import promptly
from .conftest import MakeSource
from .places import PREFIX, s3_settings, sessions
from .test_conformance import read
from .test_s3 import LARGE, LISTED, MIB, Bucket, error_xml, now

# Servers of our own, which do what real ones do seldom

type Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def odd_server(
    handler: Handler, *, limits: HttpLimits | None = None, **changes: Any
) -> AsyncGenerator[S3Destination]:
    """Yield a destination at a server that answers as the handler does."""
    app = web.Application(client_max_size=1 << 30)
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    async with sessions() as open_session:
        destination = S3Destination(
            s3_settings(f"http://{host}:{port}", **changes),
            open_session=open_session,
            limits=limits,
        )
        yield destination
        await destination.close()
    await runner.cleanup()


def answering(
    status: int = 200, body: bytes = b"", headers: dict[str, str] | None = None
) -> Handler:
    """Return what gives the same answer to everything."""

    async def handle(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(status=status, body=body, headers=headers)

    return handle


HTML = b"<!doctype html><html><title>Log in</title><form>password</form></html>"
LONG_HTML = HTML + b" " * 20_000


@pytest.mark.parametrize(
    ("handler", "expected"),
    [
        (answering(200, HTML), Unreachable),
        (answering(200, b""), Unreachable),
        (answering(200, b"{}", {"ETag": '"x"'}), Unreachable),
        (answering(302, b"", {"Location": "http://portal.example/?s=1"}), Redirected),
        (answering(511, HTML), Unreachable),
        (answering(403, HTML), Unreachable),
        (answering(204), Unreachable),
        (answering(404), BucketNotFound),
        (answering(200, LISTED * 400_000), Rejected),
    ],
)
async def test_a_server_that_is_none(
    handler: Handler, expected: type[StorageError], tmp_path: Path
) -> None:
    """A login page, a captive portal, a redirection, yes to everything: named errors."""
    async with odd_server(handler) as destination:
        with pytest.raises(expected) as refused:
            await check_destination(destination, workdir=tmp_path)
        assert type(refused.value) is expected
        assert "<" not in str(refused.value)
        assert destination.findings.get("proof") is None


async def test_etags_that_are_no_md5(make_source: MakeSource, tmp_path: Path) -> None:
    """The test finds out; of a bucket that is known otherwise such a copy is refused."""
    bucket = Bucket()
    bucket.etag = lambda content: "0" * 32
    source = make_source(1000)
    async with odd_server(bucket.handle) as destination:
        await check_destination(destination, workdir=tmp_path)
        assert destination.findings["proof"] == "content_md5"
    async with odd_server(bucket.handle, proof=Proof.CONTENT_MD5) as destination:
        await destination.put("a/f", source, temporary="a/t")
    async with odd_server(bucket.handle, proof=Proof.ETAG) as destination:
        with pytest.raises(Rejected, match="not the MD5"):
            await destination.put("a/f", source, temporary="a/t")
        bucket.headers = {"x-amz-server-side-encryption": "aws:kms"}
        await destination.put("a/f", source, temporary="a/t")


async def test_an_etag_that_a_proxy_made_weak(make_source: MakeSource) -> None:
    """It is the MD5 all the same."""
    bucket = Bucket()
    async with odd_server(bucket.weak, proof=Proof.ETAG) as destination:
        await destination.put("a/f", make_source(1000), temporary="a/t")
        bucket.etag = lambda content: "0" * 32
        with pytest.raises(Rejected, match="not the MD5"):
            await destination.put("a/f", make_source(1000), temporary="a/t")


async def test_what_was_put_together_is_there(make_source: MakeSource) -> None:
    """A server may take all parts, say that it is done, and have nothing."""
    bucket = Bucket()
    source = make_source(LARGE)
    async with odd_server(bucket.handle_parts, proof=Proof.ETAG) as destination:
        temporary = await destination.prepare("a/f", source, temporary="a/t")
        await destination.put("a/f", source, temporary=temporary)
        assert await destination.stat("a/f") is not None

        bucket.loses = True
        temporary = await destination.prepare("a/g", source, temporary="a/t")
        with pytest.raises(Rejected, match="has nothing"):
            await destination.put("a/g", source, temporary=temporary)
        # Nor does it count when it may not be looked for any more.
        bucket.lists = False
        temporary = await destination.prepare("a/g", source, temporary="a/t")
        with pytest.raises(PermissionDenied):
            await destination.put("a/g", source, temporary=temporary)


@pytest.mark.parametrize("can_read", [False, True])
async def test_what_was_put_together_without_a_right_to_list(
    make_source: MakeSource, can_read: bool
) -> None:
    """Who can read sees all the same that it is not there; else the answer has to do."""
    bucket = Bucket()
    bucket.lists = False
    source = make_source(LARGE)
    async with odd_server(
        bucket.handle_parts, proof=Proof.ETAG, can_read=can_read
    ) as destination:
        temporary = await destination.prepare("a/f", source, temporary="a/t")
        await destination.put("a/f", source, temporary=temporary)

        bucket.loses = True
        temporary = await destination.prepare("a/g", source, temporary="a/t")
        if can_read:
            with pytest.raises(Rejected, match="has nothing"):
                await destination.put("a/g", source, temporary=temporary)
        else:
            await destination.put("a/g", source, temporary=temporary)


@pytest.mark.parametrize("can_list", [False, True])
async def test_a_key_that_lost_its_rights(
    make_source: MakeSource, can_list: bool
) -> None:
    """To one that could list, at its test or now, a refusal says nothing of a file."""
    bucket = Bucket()
    async with odd_server(bucket.handle, can_list=can_list) as destination:
        if not can_list:
            await destination.put("a/f", make_source(1000), temporary="a/t")
            await destination.connect()
            assert destination.findings["can_list"] is True
            assert await destination.stat("a/g") is None
        bucket.denies = True
        for _ in range(2):
            with pytest.raises(PermissionDenied):
                await destination.connect()
            with pytest.raises(PermissionDenied):
                await destination.stat("a/f")
        bucket.denies = False
        await destination.connect()
        assert (await destination.stat("a/f") is None) is can_list


@pytest.mark.parametrize(("is_of_parts", "asked"), [(True, 0), (False, 1)])
async def test_the_etag_of_what_was_put_together(
    make_source: MakeSource, is_of_parts: bool, asked: int
) -> None:
    """One that is made of the parts proves it; else the object is looked at."""
    bucket = Bucket()
    heads = 0

    def etag_of_parts(parts: list[bytes]) -> str:
        joined = b"".join(map(_md5, parts if is_of_parts else parts[:-1]))
        return f"{_md5(joined).hex()}-{len(parts)}"

    async def counting(request: web.Request) -> web.StreamResponse:
        nonlocal heads
        heads += request.method == "HEAD"
        return await bucket.handle_parts(request)

    bucket.etag_of_parts = etag_of_parts
    source = make_source(LARGE)
    async with odd_server(counting, proof=Proof.ETAG) as destination:
        temporary = await destination.prepare("a/f", source, temporary="a/t")
        heads = 0
        await destination.put("a/f", source, temporary=temporary)
        assert heads == asked


def _md5(content: bytes) -> bytes:
    return hashlib.md5(content, usedforsecurity=False).digest()


@pytest.mark.parametrize("times", [1, 3])
async def test_a_part_that_a_busy_server_does_not_take(
    make_source: MakeSource, times: int
) -> None:
    """It is sent again, but not for ever: the others would have been sent in vain."""
    bucket = Bucket()
    refusals = {"2": times}

    async def busy(request: web.Request) -> web.StreamResponse:
        number = request.query.get("partNumber", "")
        if refusals.get(number):
            refusals[number] -= 1
            await request.read()
            return web.Response(status=503, body=error_xml("SlowDown"))
        return await bucket.handle_parts(request)

    source = make_source(LARGE)
    async with odd_server(busy, proof=Proof.ETAG) as destination:
        temporary = await destination.prepare("a/f", source, temporary="a/t")
        put = destination.put("a/f", source, temporary=temporary)
        if times == 1:
            await put
            assert bucket.objects[f"{PREFIX}/a/f"] == source.read_bytes()
            return
        with pytest.raises(Throttled):
            await put


async def test_only_200_is_success(make_source: MakeSource) -> None:
    """Another kind of server may answer 201."""
    bucket = Bucket()
    bucket.status = 201
    async with odd_server(bucket.handle) as destination:
        with pytest.raises(StorageError):
            await destination.put("a/f", make_source(10), temporary="a/t")


async def test_a_server_that_stops_reading(make_source: MakeSource) -> None:
    """It holds an upload only so long, and a cancelled one is left at once."""
    reached = asyncio.Event()

    async def stall(request: web.Request) -> web.StreamResponse:
        if "list-type" in request.query:
            return web.Response(body=LISTED)
        reached.set()
        await asyncio.sleep(20)
        return web.Response()

    quick = HttpLimits(connect=2, request=2, idle=0.5, finish=0.5)
    async with odd_server(stall, limits=quick) as destination:
        async with promptly():
            with pytest.raises(ConnectTimeout):
                await destination.put("a", make_source(40 * MIB), temporary="t")
        reached.clear()
        task = asyncio.create_task(
            destination.put("a", make_source(40 * MIB), temporary="t")
        )
        await reached.wait()
        loop = asyncio.get_running_loop()
        begin = loop.time()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert loop.time() - begin < 1


@pytest.mark.parametrize("status", [200, 404])
async def test_a_web_page_is_no_object(make_source: MakeSource, status: int) -> None:
    """A captive portal answers all with one: nothing is known of the object then."""
    bucket = Bucket()

    async def portal(request: web.Request) -> web.StreamResponse:
        if request.method == "GET" and "list-type" not in request.query:
            return web.Response(status=status, body=HTML, content_type="text/html")
        return await bucket.handle(request)

    made = make_source(10)
    sha256 = hashlib.sha256(made.read_bytes()).hexdigest()
    source = FileSource(made.path, size=10, sha256=sha256)
    async with odd_server(portal) as destination:
        with pytest.raises(Unreachable, match="no S3 server"):
            await wrapped(destination, verify=True).put("a/f", source, temporary="a/t")
    assert bucket.objects


@pytest.mark.parametrize(
    ("body", "error", "size"),
    [
        (HTML, "no S3 server", 10),
        (HTML, "no S3 server", LARGE),
        (LONG_HTML, "no S3 server", 10),
        (b'<?xml version="1.0"?>\n' + HTML, "no S3 server", 10),
        (b"Down for maintenance", "no S3 server", 10),
        (error_xml("InternalError"), "InternalError", 10),
    ],
    ids=["page", "part", "long", "xhtml", "text", "failure"],
)
@pytest.mark.parametrize("proof", Proof)
async def test_a_web_page_stores_nothing(
    make_source: MakeSource, body: bytes, error: str, size: int, proof: Proof
) -> None:
    """It may come behind a 200 and have an ETag: where any will do, it is none of ours."""
    bucket = Bucket()

    async def portal(request: web.Request) -> web.StreamResponse:
        if request.method == "PUT":
            await request.read()
            return web.Response(body=body, headers={"ETag": '"5f3c-1a"'})
        return await bucket.handle_parts(request)

    source = make_source(size)
    async with odd_server(portal, proof=proof) as destination:
        temporary = await destination.prepare("a/f", source, temporary="a/t")
        with pytest.raises(Unreachable, match=error):
            await destination.put("a/f", source, temporary=temporary)


@pytest.mark.parametrize("status", [200, 404])
@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (HTML, "text/html"),
        (LONG_HTML, "text/html"),
        (b"OK", "text/plain"),
        (b"", "text/plain"),
    ],
    ids=["page", "long", "text", "nothing"],
)
@pytest.mark.parametrize(
    "ask", ["delete", "discard", "stat", "read"], ids=lambda ask: str(ask)
)
async def test_what_says_so_of_everything_deletes_nothing(
    make_source: MakeSource, status: int, body: bytes, kind: str, ask: str
) -> None:
    """What a portal, or a proxy alone, answers shows of nothing that it is gone or there."""
    bucket, is_away = Bucket(), False

    async def portal(request: web.Request) -> web.StreamResponse:
        if is_away:
            return web.Response(status=status, body=body, content_type=kind)
        return await bucket.handle_parts(request)

    source = make_source(LARGE)
    async with odd_server(portal) as destination:
        begun = await destination.prepare("a/f", source, temporary="a/t")
        await destination.put("a/g", make_source(10), temporary="a/t")
        asked: dict[str, Callable[[], Awaitable[object]]] = {
            "delete": lambda: destination.delete("a/g"),
            "discard": lambda: destination.discard(begun),
            "stat": lambda: destination.stat("a/g"),
            "read": lambda: read(destination, "a/g"),
        }
        is_away = True
        with pytest.raises((Unreachable, BucketNotFound)):
            await asked[ask]()
    assert f"{PREFIX}/a/g" in bucket.objects


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (answering(503, error_xml("SlowDown")), Throttled),
        (answering(500), Unreachable),
        (answering(408), Unreachable),
        (answering(502, HTML), Unreachable),
        (answering(400, error_xml("RequestTimeout")), Unreachable),
        (answering(403, error_xml("InvalidAccessKeyId")), AuthFailed),
        (answering(200, HTML), None),
        (answering(200), None),
        (answering(200, LISTED), None),
        (answering(400, b"Bad Request"), None),
        (answering(403, HTML), None),
        (answering(404, b"404 page not found"), None),
        (answering(405, b"Method Not Allowed"), None),
        (answering(405, b'<?xml version="1.0"?><problem/>'), None),
        (answering(500, error_xml("NotImplemented")), None),
        (answering(501, HTML), None),
        (answering(403, error_xml("AccessDenied")), None),
        (answering(403), None),
        (answering(404), None),
        (answering(400, error_xml("InvalidArgument")), None),
        (answering(405, error_xml("MethodNotAllowed")), None),
        (answering(501, error_xml("NotImplemented")), None),
    ],
)
async def test_uploads_that_are_not_listed(
    answer: Handler, expected: type[StorageError] | None
) -> None:
    """One whose id is not known is forgotten only where none may, or can, be listed."""
    bucket = Bucket()

    async def handle(request: web.Request) -> web.StreamResponse:
        if "uploads" in request.query and request.method == "GET":
            return await answer(request)
        return await bucket.handle_parts(request)

    async with odd_server(handle) as destination:
        if expected is None:
            await destination.discard(name_of("a/f"))
            return
        with pytest.raises(StorageError) as refused:
            await destination.discard(name_of("a/f"))
        assert type(refused.value) is expected


@pytest.mark.parametrize("body", [b"", HTML, b"Forbidden"])
@pytest.mark.parametrize("status", [200, 400, 403, 404, 405, 501])
async def test_uploads_at_what_answers_nothing_else(status: int, body: bytes) -> None:
    """A proxy or a portal alone: that none are listed means nothing."""
    odd = answering(status, body)
    async with odd_server(odd, addressing=Addressing.PATH) as destination:
        with pytest.raises(StorageError):
            await destination.discard(name_of("a/f"))


@pytest.mark.parametrize("size", [10, LARGE])
async def test_what_knows_nothing_refuses_no_file(
    make_source: MakeSource, size: int
) -> None:
    """A bare 404 is of a proxy whose server is away: it is the bucket's."""
    source = make_source(size)

    async def send(destination: S3Destination) -> None:
        begun = await destination.prepare("f", source, temporary="t")
        await destination.put("f", source, temporary=begun)

    async with odd_server(
        answering(404), addressing=Addressing.PATH, proof=Proof.ETAG
    ) as destination:
        with pytest.raises(BucketNotFound):
            await send(destination)


@pytest.mark.parametrize("encoding", ["gb2312", "no-such-one"])
async def test_a_list_in_an_odd_encoding(
    make_source: MakeSource, encoding: str
) -> None:
    """It can't be read, which keeps no upload in parts from beginning."""
    bucket = Bucket()
    xml = f'<?xml version="1.0" encoding="{encoding}"?>'.encode()

    async def handle(request: web.Request) -> web.StreamResponse:
        if request.method == "GET" and "uploads" in request.query:
            return web.Response(body=xml + b"<ListMultipartUploadsResult/>")
        if request.method == "GET" and "encoding-type" in request.query:
            return web.Response(body=xml + b"<ListBucketResult></ListBucketResult>")
        return await bucket.handle_parts(request)

    async with odd_server(handle) as destination:
        with pytest.raises(Rejected):
            _ = [file async for file in destination.list_files()]
        with pytest.raises(Rejected):
            await destination.discard(name_of("a/f"))
        assert await destination.prepare("a/f", make_source(LARGE), temporary="t")


async def test_a_list_that_never_ends() -> None:
    """It names nothing, and says each time that there is more."""
    pages = 0

    async def handle(request: web.Request) -> web.StreamResponse:
        nonlocal pages
        pages += 1
        more = f"<NextContinuationToken>{pages}</NextContinuationToken>"
        text = f"<IsTruncated>{'true' if pages < 1500 else 'false'}</IsTruncated>{more}"
        return web.Response(text=f"<ListBucketResult>{text}</ListBucketResult>")

    async with odd_server(handle) as destination:
        with pytest.raises(Rejected, match="lists more than"):
            _ = [file async for file in destination.list_files()]


@pytest.mark.parametrize("append_only", [False, True])
async def test_a_failed_test_leaves_no_probe(tmp_path: Path, append_only: bool) -> None:
    """Whose deletion can be tried; where nothing is deleted it stays."""
    bucket = Bucket()

    async def odd(request: web.Request) -> web.StreamResponse:
        if request.method == "GET" and "list-type" not in request.query:
            return web.Response(body=b"other bytes", headers={"ETag": '"x"'})
        return await bucket.handle(request)

    async with odd_server(odd) as destination:
        tested = wrapped(destination, append_only=append_only)
        with pytest.raises(Rejected, match="Other bytes"):
            await check_destination(tested, workdir=tmp_path)
    assert bool(bucket.objects) is append_only


async def test_a_range_that_is_ignored(make_source: MakeSource) -> None:
    """Who sends all of it is read to the wanted place."""
    bucket = Bucket()
    bucket.objects[f"{PREFIX}/f"] = b"0123456789"
    async with odd_server(bucket.handle) as destination:
        pieces = [p async for p in destination.open_read("f", start=3, length=4)]
        assert b"".join(pieces) == b"3456"


async def test_wrong_region_and_clock(tmp_path: Path) -> None:
    """They end the test at once, whatever the form of the address."""
    more = "<Region>eu-1</Region>"
    body = error_xml("AuthorizationHeaderMalformed", more=more)
    async with odd_server(answering(400, body)) as destination:
        with pytest.raises(WrongRegion) as refused:
            await check_destination(destination, workdir=tmp_path)
        assert refused.value.region == "eu-1"
    skewed = answering(403, error_xml("RequestTimeTooSkewed"), {"Date": now(-45)})
    async with odd_server(skewed) as destination:
        with pytest.raises(ClockSkew, match="45 minutes ahead"):
            await check_destination(destination, workdir=tmp_path)


async def test_long_prefixes(make_source: MakeSource) -> None:
    """A name that is too long with its prefix is refused before anything is sent."""
    bucket = Bucket()
    async with odd_server(
        bucket.handle, path=f"{'p' * 150}/{'p' * 149}"
    ) as destination:
        with pytest.raises(InvalidPath):
            await destination.put("x" * 800, make_source(1), temporary="t")
        await destination.put("x" * 200, make_source(1), temporary="t")
    assert len(bucket.objects) == 1


async def test_an_upload_whose_id_was_never_known(make_source: MakeSource) -> None:
    """We were killed right after it began: it ends by its object's name."""
    begun: dict[str, str] = {}

    async def handle(request: web.Request) -> web.StreamResponse:
        key, query = request.match_info["path"].partition("/")[2], request.query
        if request.method == "POST":
            begun[f"id {len(begun)}"] = key
            return web.Response(text=f"<R><UploadId>id {len(begun) - 1}</UploadId></R>")
        if "uploads" in query:
            rows = "".join(
                f"<Upload><Key>{key}</Key><UploadId>{id_}</UploadId></Upload>"
                for id_, key in begun.items()
            )
            body = f"<ListMultipartUploadsResult>{rows}</ListMultipartUploadsResult>"
            return web.Response(text=body)
        if request.method == "DELETE":
            is_known = begun.pop(query["uploadId"], None)
            return web.Response(
                status=204 if is_known else 404,
                body=b"" if is_known else error_xml("NoSuchUpload"),
            )
        return web.Response(body=LISTED)

    source = make_source(LARGE)
    async with odd_server(handle) as destination:
        name = destination.unprepared("a/f", source, temporary="a/t")
        assert name != destination.unprepared("a/g", source, temporary="a/t")
        assert destination.unprepared("a/f", make_source(9), temporary="a/t") == "a/t"
        await destination.prepare("a/g", source, temporary="a/t")
        await destination.prepare("a/f", source, temporary=name)
        await destination.discard(name)
        assert list(begun.values()) == [f"{PREFIX}/a/g"]
        await destination.discard("a/t")
        assert begun


async def test_a_stored_key_that_no_header_can_hold() -> None:
    """A named cause, and nothing is sent with it."""
    async with odd_server(answering(500), access_key_id="AK\nID") as destination:
        with pytest.raises(Unusable):
            await destination.connect()
