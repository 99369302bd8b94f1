"""What a WebDAV server may answer, and what becomes of it."""

import asyncio
from collections.abc import AsyncGenerator
import hashlib
from typing import Any

import aiohttp
from aiohttp import web
import pytest

from custom_components.frigate_snap_sync.storage.check import check_destination
from custom_components.frigate_snap_sync.storage.errors import (
    AuthFailed,
    ConnectTimeout,
    NoSpace,
    NotWebdav,
    PermissionDenied,
    Redirected,
    Rejected,
    StorageError,
    Throttled,
    Unreachable,
)
from custom_components.frigate_snap_sync.storage.http.limits import HttpLimits
from custom_components.frigate_snap_sync.storage.memory_source import MemorySource
from custom_components.frigate_snap_sync.storage.source import FileSource
from custom_components.frigate_snap_sync.storage.webdav.destination import (
    WebdavDestination,
)
from custom_components.frigate_snap_sync.storage.webdav.multistatus import (
    MAX_TEXT,
    BadAnswer,
    Multistatus,
    parse,
)
from custom_components.frigate_snap_sync.storage.webdav.settings import WebdavSettings
from custom_components.frigate_snap_sync.storage.wrappers import wrapped

from ..harness.webdav import PASSWORD, USERNAME, Nginx, shared
from ..waiting import promptly
from .conftest import MakeSource
from .dav_server import Dav, for_ever, serving

MIB = 1024 * 1024


@pytest.fixture
async def dav() -> AsyncGenerator[Dav]:
    """A server in this process."""
    async with serving(Dav()) as dav:
        yield dav


class Sessions:
    """Sessions on one connector, as Home Assistant's are."""

    def __init__(self) -> None:
        """Connect to nothing yet."""
        self.connector = aiohttp.TCPConnector()
        self.destinations: list[WebdavDestination] = []

    def to(
        self, url: str, *, limits: HttpLimits | None = None, **settings: Any
    ) -> WebdavDestination:
        """Return a destination at an address."""
        destination = WebdavDestination(
            WebdavSettings(url=url, **settings), self.open, limits=limits
        )
        self.destinations.append(destination)
        return destination

    def open(self) -> aiohttp.ClientSession:
        """Make a session."""
        return aiohttp.ClientSession(connector=self.connector, connector_owner=False)


@pytest.fixture
async def sessions() -> AsyncGenerator[Sessions]:
    """What connects to servers."""
    sessions = Sessions()
    yield sessions
    for destination in sessions.destinations:
        await destination.close()
    await sessions.connector.close()


async def put(destination: WebdavDestination, source: FileSource) -> None:
    """Put a file into a folder."""
    await destination.put("a/file", source, temporary="a/.x.tmp")


def with_hash(source: Any) -> FileSource:
    """Return a source whose hash is known."""
    content = source.read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    return FileSource(source.path, size=len(content), sha256=sha256)


@pytest.mark.parametrize(
    ("status", "headers", "error"),
    [
        (401, {}, AuthFailed),
        (403, {}, PermissionDenied),
        (404, {}, PermissionDenied),
        (405, {}, Rejected),
        (407, {}, Unreachable),
        (408, {}, Unreachable),
        (413, {}, Rejected),
        (421, {}, Unreachable),
        (423, {}, Rejected),
        (425, {}, Unreachable),
        (429, {"Retry-After": "77"}, Throttled),
        (500, {}, Rejected),
        (502, {}, Unreachable),
        (503, {}, Throttled),
        (504, {}, Unreachable),
        (507, {}, NoSpace),
        (307, {"Location": "https://user:pw@other.example/x?token=1"}, Redirected),
    ],
)
async def test_refused_files(
    dav: Dav,
    sessions: Sessions,
    make_source: MakeSource,
    status: int,
    headers: dict[str, str],
    error: type[StorageError],
) -> None:
    """Each status becomes the error of its cause; nothing gets a name, and nothing is left."""

    async def hook(request: web.BaseRequest) -> web.StreamResponse | None:
        if request.method != "PUT":
            return None
        await request.read()
        return web.Response(status=status, headers=headers, text="wörds\n" * 99)

    dav.hook = hook
    with pytest.raises(error) as raised:
        await put(sessions.to(dav.url), make_source(100))
    assert type(raised.value) is error
    assert len(str(raised.value)) < 400
    assert str(raised.value).isprintable()
    if isinstance(raised.value, Throttled):
        assert raised.value.retry_after == (77 if headers else None)
    if isinstance(raised.value, Redirected):
        assert str(raised.value).endswith("https://other.example/x")
    assert dav.files == {}


SABRE = (
    '<?xml version="1.0"?><d:error xmlns:d="DAV:" xmlns:s="http://sabredav.org/ns">'
    "<s:exception>{}</s:exception><s:message>{}</s:message></d:error>"
)
FULL_QUOTA = '<D:error xmlns:D="DAV:"><D:quota-not-exceeded/></D:error>'


@pytest.mark.parametrize(
    ("status", "kind", "body"),
    [
        (403, "xml", SABRE.format("OCA\\Quota", "Quota exceeded: no space left")),
        (403, "xml", SABRE.format("Sabre\\DAV\\Exception\\InsufficientStorage", "")),
        (403, "xml", FULL_QUOTA),
        (409, "xml", FULL_QUOTA.replace("quota-not-exceeded", "sufficient-disk-space")),
        (500, "plain", "write /data/x: No space left on device"),
        (500, "html", "<html><p>[Errno 122] Disk quota exceeded</p></html>"),
        (413, "plain", "Insufficient storage"),
        (400, "plain", "There is not enough space on the disk."),
        (502, "plain", "backend: volume is full"),
    ],
)
async def test_full_servers_that_say_so_in_words(
    dav: Dav,
    sessions: Sessions,
    make_source: MakeSource,
    status: int,
    kind: str,
    body: str,
) -> None:
    """Whatever their status: who can't write may be helped by more space."""

    async def hook(request: web.BaseRequest) -> web.StreamResponse | None:
        if request.method != "PUT":
            return None
        await request.read()
        return web.Response(status=status, text=body, content_type=f"text/{kind}")

    dav.hook = hook
    with pytest.raises(NoSpace):
        await put(sessions.to(dav.url), make_source(100))


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (403, "Not allowed in /srv/quota/x.mp4", PermissionDenied),
        (403, SABRE.format("Forbidden", "You may not write here"), PermissionDenied),
        (413, "Request Entity Too Large", Rejected),
        (429, "Request quota exceeded", Throttled),
        (503, "Request quota exceeded", Throttled),
        (500, "<html class=quota><p>Something failed</p></html>", Rejected),
        (401, "no space", AuthFailed),
    ],
)
async def test_other_words_are_no_full_server(
    dav: Dav,
    sessions: Sessions,
    make_source: MakeSource,
    status: int,
    body: str,
    error: type[StorageError],
) -> None:
    """Such as a folder of that name, or too many requests."""

    async def hook(request: web.BaseRequest) -> web.StreamResponse | None:
        if request.method != "PUT":
            return None
        await request.read()
        return web.Response(status=status, text=body)

    dav.hook = hook
    with pytest.raises(error) as raised:
        await put(sessions.to(dav.url), make_source(100))
    assert type(raised.value) is error


@pytest.mark.parametrize("status", [500, 405, 201])
async def test_full_servers_that_do_not_say_so(
    dav: Dav, sessions: Sessions, make_source: MakeSource, status: int
) -> None:
    """Where the quota is smaller than the file, that is why."""
    dav.quota, dav.cuts = 50, True

    async def hook(request: web.BaseRequest) -> web.StreamResponse | None:
        if request.method != "PUT" or status == 201:
            return None
        await request.read()
        return web.Response(status=status)

    dav.hook = hook
    destination = sessions.to(dav.url)
    assert await destination.free_space() == 50
    with pytest.raises(NoSpace):
        await put(destination, make_source(100))
    dav.quota = 5000
    with pytest.raises(Rejected):
        await put(destination, make_source(100))
    assert dav.files == {}


async def test_the_hash_is_the_proof(
    dav: Dav, sessions: Sessions, make_source: MakeSource
) -> None:
    """Nextcloud says what arrived: no look at the temporary file is needed."""
    dav.says_hash = True
    destination = sessions.to(dav.url)
    await put(destination, with_hash(make_source(1000)))
    assert dav.asked[-3:] == ["PUT", "MOVE", "PROPFIND"]
    dav.cuts = True
    with pytest.raises(Rejected, match="other bytes"):
        await put(destination, with_hash(make_source(1000)))
    assert len(dav.files["a/file"]) == 1000
    assert set(dav.files) == {"a/file"}


async def test_a_piece_of_film_is_one_request(dav: Dav, sessions: Sessions) -> None:
    """Once its folder is known: one comes every two seconds, for each camera."""
    destination = sessions.to(dav.url)
    await destination.put_at_once(
        "a/1.mp4", MemorySource("1.mp4", b"film"), temporary="a/.1.tmp"
    )
    dav.asked.clear()
    await destination.put_at_once(
        "a/2.mp4", MemorySource("2.mp4", b"more film"), temporary="a/.2.tmp"
    )
    assert dav.asked == ["PUT"]
    assert dav.files["a/2.mp4"] == b"more film"


@pytest.mark.parametrize(
    ("body", "kind"),
    [("<html>Log in</html>", "text/html"), ("OK", "text/plain"), ("", "text/plain")],
    ids=["page", "text", "nothing"],
)
@pytest.mark.parametrize("to_all", [False, True])
async def test_yes_to_everything_is_no_stored_piece_of_film(
    dav: Dav, sessions: Sessions, body: str, kind: str, to_all: bool
) -> None:
    """A server that wants people to log in answers anything with 200."""
    destination = sessions.to(dav.url)
    await destination.connect()

    async def hook(request: web.BaseRequest) -> web.StreamResponse | None:
        if request.method != "PUT" and not to_all:
            return None
        await request.read()
        return web.Response(text=body, content_type=kind)

    dav.hook = hook
    expected = NotWebdav if to_all or kind == "text/html" else Rejected
    with pytest.raises(expected):
        await destination.put_at_once(
            "1.mp4", MemorySource("1.mp4", b"film"), temporary=".1.tmp"
        )


async def test_a_piece_that_is_stored_with_200(dav: Dav, sessions: Sessions) -> None:
    """A server may say so of it; then it is there."""

    async def hook(request: web.BaseRequest) -> web.StreamResponse | None:
        if request.method != "PUT":
            return None
        dav.files["1.mp4"] = await request.read()
        return web.Response()

    dav.hook = hook
    await sessions.to(dav.url).put_at_once(
        "1.mp4", MemorySource("1.mp4", b"film"), temporary=".1.tmp"
    )


async def test_a_web_page_is_no_copy_that_was_read_back(
    dav: Dav, sessions: Sessions, make_source: MakeSource
) -> None:
    """It says nothing about the copy, which stays."""

    async def hook(request: web.BaseRequest) -> web.StreamResponse | None:
        if request.method != "GET":
            return None
        return web.Response(text="<html>Log in</html>", content_type="text/html")

    dav.hook = hook
    destination = wrapped(sessions.to(dav.url), verify=True)
    with pytest.raises(NotWebdav, match="web page"):
        await destination.put(
            "a/file", with_hash(make_source(10)), temporary="a/.x.tmp"
        )
    assert set(dav.files) == {"a/file"}


async def test_a_web_page_deletes_nothing(dav: Dav, sessions: Sessions) -> None:
    """It is no proof that a file is gone."""

    async def hook(request: web.BaseRequest) -> web.StreamResponse | None:
        if request.method != "DELETE":
            return None
        return web.Response(text="<html>Log in</html>", content_type="text/html")

    dav.hook = hook
    dav.files["f.mp4"] = b"film"
    with pytest.raises(NotWebdav, match="web page"):
        await sessions.to(dav.url).delete("f.mp4")


@pytest.mark.parametrize(
    "ask",
    [
        "delete",
        "discard",
        "stat",
        "read",
        "list",
        "put",
        "put at root",
        "put elsewhere",
    ],
)
async def test_a_proxy_whose_server_restarts(
    dav: Dav, sessions: Sessions, make_source: MakeSource, ask: str
) -> None:
    """It answers 404 to everything meanwhile: nothing is known of a file then."""
    destination = sessions.to(dav.url)
    await put(destination, make_source(10))
    before = dict(dav.files)

    async def proxy(request: web.BaseRequest) -> web.StreamResponse:
        await request.read()
        return web.Response(status=404, text="404 page not found")

    async def do() -> object:
        match ask:
            case "delete" | "discard" | "stat":
                return await getattr(destination, ask)("a/file")
            case "read":
                return [piece async for piece in destination.open_read("a/file")]
            case "list":
                return [file async for file in destination.list_files("a")]
            case "put":
                return await destination.put(
                    "a/file", make_source(20), temporary="a/.x.tmp"
                )
            case "put at root":
                return await destination.put("f", make_source(20), temporary=".t.tmp")
        return await destination.put("b/f", make_source(20), temporary="b/.t.tmp")

    dav.hook = proxy
    for _ in range(2):
        with pytest.raises(NotWebdav):
            await do()
    assert dav.files == before
    dav.hook = None
    await do()
    assert (dav.files == before) is (ask in ("stat", "read", "list"))


async def test_a_delete_that_only_the_proxy_answers(
    dav: Dav, sessions: Sessions
) -> None:
    """The file was there a moment before, and it is not gone."""
    dav.files["f.mp4"] = b"film"
    is_away = False

    async def hook(request: web.BaseRequest) -> web.StreamResponse | None:
        nonlocal is_away
        is_away = is_away or request.method == "DELETE"
        return web.Response(status=404) if is_away else None

    dav.hook = hook
    with pytest.raises(NotWebdav):
        await sessions.to(dav.url).delete("f.mp4")


@pytest.mark.parametrize("method", ["PROPFIND", "MOVE", "DELETE"])
async def test_silence(
    dav: Dav, sessions: Sessions, make_source: MakeSource, method: str
) -> None:
    """A server that never answers is left in time."""

    async def hook(request: web.BaseRequest) -> web.StreamResponse | None:
        if request.method == method and (method != "PROPFIND" or "PUT" in dav.asked):
            await for_ever()
        return None

    dav.hook = hook
    limits = HttpLimits(connect=1, request=0.3, idle=0.3, finish=0.3)
    destination = sessions.to(dav.url, limits=limits)

    async def put_and_delete() -> None:
        await put(destination, make_source(10))
        await destination.delete("a/file")

    async with promptly(20):
        with pytest.raises(ConnectTimeout):
            await put_and_delete()


async def test_a_cancelled_put_ends_within_a_second(
    dav: Dav, sessions: Sessions, make_source: MakeSource
) -> None:
    """Also where the server answers nothing any more."""
    reached = asyncio.Event()

    async def hook(request: web.BaseRequest) -> web.StreamResponse | None:
        if "PUT" in dav.asked:
            reached.set()
            await for_ever()
        return None

    dav.hook = hook
    task = asyncio.create_task(put(sessions.to(dav.url), make_source(64 * MIB)))
    await reached.wait()
    task.cancel()
    async with promptly(1):
        await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()


async def test_a_file_that_is_too_large(
    sessions: Sessions, make_source: MakeSource
) -> None:
    """Nginx says 413, and the text says what it means."""
    server = await shared(Nginx)
    (server.root / "small").mkdir(exist_ok=True)
    destination = sessions.to(
        server.url, username=USERNAME, password=PASSWORD, path="small"
    )
    # It does not wait for the file's end. A refusal of one file, unlike a broken
    # line, does not stop the files after it.
    for size in (3 * MIB, 3 * MIB, 40 * MIB):
        with pytest.raises(Rejected) as raised:
            await put(destination, make_source(size))
        assert type(raised.value) is Rejected
        assert raised.value.hint == "file_too_large"
    await put(destination, make_source(1000))
    assert [(file.path, file.size) async for file in destination.list_files()] == [
        ("a/file", 1000)
    ]


async def test_the_whole_test_passes(
    dav: Dav, sessions: Sessions, make_source: MakeSource
) -> None:
    """And leaves nothing."""
    destination = sessions.to(dav.url, path="/one/two")
    await check_destination(destination, workdir=make_source(1).parent)
    assert dav.files == {}
    assert dav.folders == {"", "one", "one/two"}


def response(href: str, inside: str = "") -> bytes:
    """Return an answer with one file."""
    return (
        f'<?xml version="1.0"?><x:multistatus xmlns:x="DAV:"><x:response><x:href>{href}'
        f"</x:href><x:propstat><x:prop>{inside}</x:prop><x:status>HTTP/1.1 200 OK"
        "</x:status></x:propstat></x:response></x:multistatus>"
    ).encode()


def parse_slowly(data: bytes) -> None:
    """Parse byte by byte."""
    multistatus = Multistatus()
    for byte in data:
        multistatus.feed(bytes((byte,)))
    multistatus.feed(b"", is_last=True)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<html></html>",
        b"<multistatus/>",
        response("/a")[:-5],
        b"\xff\xfe",
        b'<!DOCTYPE x [<!ENTITY a "b">]>' + response("/a"),
        b'<?xml version="1.0" encoding="nonsense"?><a/>',
        response("/" + "a" * MAX_TEXT),
        response("/a", "<x:y>" * 40 + "</x:y>" * 40),
    ],
    ids=range(9),
)
def test_hostile_answers(data: bytes) -> None:
    """No XML, no list, entities, too deep, too long: refused, and nothing expanded."""
    with pytest.raises(BadAnswer):
        parse(data)
    with pytest.raises(BadAnswer):
        parse_slowly(data)


def test_answers() -> None:
    """Addresses of any form; properties that count; sizes that can be."""
    (found,) = parse(
        response(
            "http://nas/a%20b/%FF/", "<x:resourcetype><x:collection/></x:resourcetype>"
        )
    )
    assert (found.path, found.is_folder) == ("/a b/\udcff", True)
    (found,) = parse(response("/a", "<x:getcontentlength>12</x:getcontentlength>"))
    assert (found.is_folder, found.size) == (False, 12)
    for odd in ("-1", "1e3", "9" * 30, "", "x"):
        inside = f"<x:getcontentlength>{odd}</x:getcontentlength>"
        (found,) = parse(response("/a", inside))
        assert found.size is None


async def test_listings_that_lead_elsewhere(dav: Dav, sessions: Sessions) -> None:
    """What does not lie in the folder that was asked for is left out."""

    async def hook(request: web.BaseRequest) -> web.StreamResponse | None:
        if request.headers.get("Depth") != "1":
            return None
        names = ("/", "/fine", "/../etc/passwd", "/other/x", "http://b.example/deep/y")
        body = "".join(
            f"<d:response><d:href>{name}</d:href><d:propstat><d:prop>"
            f"<d:resourcetype>{'<d:collection/>' if name == '/' else ''}"
            "</d:resourcetype></d:prop><d:status>HTTP/1.1 200 OK</d:status>"
            "</d:propstat></d:response>"
            for name in names
        )
        text = f'<d:multistatus xmlns:d="DAV:">{body}</d:multistatus>'
        return web.Response(status=207, text=text)

    dav.hook = hook
    found = [file.path async for file in sessions.to(dav.url).list_files()]
    assert found == ["fine"]


async def test_an_endless_answer(dav: Dav, sessions: Sessions) -> None:
    """Is read to a limit."""

    async def hook(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=207, body=b" " * (2 * MIB))

    dav.hook = hook
    with pytest.raises(NotWebdav):
        await sessions.to(dav.url).connect()
