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
from custom_components.frigate_snap_sync.storage.webdav.login import (
    Challenge,
    Login,
    digest,
    parse_challenges,
)
from custom_components.frigate_snap_sync.storage.webdav.multistatus import (
    MAX_TEXT,
    BadAnswer,
    Multistatus,
    parse,
)
from custom_components.frigate_snap_sync.storage.webdav.settings import WebdavSettings
from custom_components.frigate_snap_sync.storage.wrappers import wrapped

from ..harness.webdav import PASSWORD, USERNAME, Apache, ApacheDigest, Nginx, shared
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
        (413, {}, Rejected),
        (423, {}, Rejected),
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


async def test_a_web_page_is_no_stored_piece_of_film(
    dav: Dav, sessions: Sessions
) -> None:
    """A server that wants people to log in answers anything with 200 and a page."""

    async def hook(request: web.BaseRequest) -> web.StreamResponse | None:
        if request.method != "PUT":
            return None
        await request.read()
        return web.Response(text="<html>Log in</html>", content_type="text/html")

    dav.hook = hook
    destination = sessions.to(dav.url)
    with pytest.raises(NotWebdav, match="web page"):
        await destination.put_at_once(
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


@pytest.mark.parametrize("form", ["/", "http://"])
async def test_the_form_of_a_target_is_found_and_remembered(
    dav: Dav, sessions: Sessions, make_source: MakeSource, form: str
) -> None:
    """Asked in other forms once, and not once more after it was stored."""
    dav.forms = (form,)
    destination = sessions.to(dav.url)
    for _ in range(2):
        await put(destination, make_source(10))
    expected = {"destination_form": "path"} if form == "/" else {}
    assert destination.findings == expected
    moves = dav.asked.count("MOVE")
    # The second one replaces a file: that is seen by a MOVE that may not.
    assert moves == (4 if form == "/" else 3)
    again = sessions.to(dav.url, form="path" if form == "/" else "absolute")
    await put(again, make_source(10))
    assert dav.asked.count("MOVE") == moves + 2


async def test_a_server_that_takes_no_form(
    dav: Dav, sessions: Sessions, make_source: MakeSource
) -> None:
    """A gateway that is down answers all of them alike: it is unreachable."""
    dav.forms = ("gopher://",)
    with pytest.raises(Unreachable):
        await put(sessions.to(dav.url), make_source(10))
    assert dav.files == {}


async def test_a_folder_is_never_replaced(
    dav: Dav, sessions: Sessions, make_source: MakeSource
) -> None:
    """A MOVE that may overwrite would remove all that is in it."""
    dav.folders |= {"a", "a/file"}
    dav.files["a/file/inside"] = b"1"
    with pytest.raises(Rejected, match="is a folder"):
        await put(sessions.to(dav.url), make_source(10))
    assert dav.files == {"a/file/inside": b"1"}
    assert "a/file" in dav.folders


async def test_a_folder_that_went(
    dav: Dav, sessions: Sessions, make_source: MakeSource
) -> None:
    """It is made once more, and the file sent again."""
    destination = sessions.to(dav.url)
    await put(destination, make_source(10))
    dav.files.clear()
    dav.folders.remove("a")
    await put(destination, make_source(3 * MIB))
    assert len(dav.files["a/file"]) == 3 * MIB


async def test_no_folder_goes_while_something_is_put_into_it(
    dav: Dav, sessions: Sessions, make_source: MakeSource
) -> None:
    """WebDAV would remove it with what is in it."""
    destination = sessions.to(dav.url)
    await destination.make_folder("a")
    reached, release = asyncio.Event(), asyncio.Event()

    async def hook(request: web.BaseRequest) -> web.StreamResponse | None:
        if request.method == "PUT":
            reached.set()
            await release.wait()
        return None

    dav.hook = hook
    task = asyncio.create_task(put(destination, make_source(10)))
    await reached.wait()
    with pytest.raises(Rejected):
        await destination.remove_folder("a")
    release.set()
    await task
    with pytest.raises(Rejected):
        await destination.remove_folder("a")
    assert set(dav.files) == {"a/file"}


def listed(href: str, *, is_folder: bool = False, status: int = 200) -> str:
    """Return one answer of a list; of what is refused there are no properties."""
    if status != 200:
        inside = f"<d:status>HTTP/1.1 {status} Refused</d:status>"
    else:
        kind = "<d:collection/>" if is_folder else ""
        inside = (
            f"<d:propstat><d:prop><d:resourcetype>{kind}</d:resourcetype>"
            "<d:getcontentlength>6</d:getcontentlength>"
            "</d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat>"
        )
    return f"<d:response><d:href>{href}</d:href>{inside}</d:response>"


@pytest.mark.parametrize(
    "responses",
    [
        [("/a/", True, 200), ("/a/theirs.jpg", False, 403)],
        [("/a/", True, 200), ("/a/theirs.jpg", False, 500)],
        # No order is promised, and a proxy may change addresses.
        [("/a/theirs.jpg", False, 200), ("/a/", True, 200)],
        [("/a/", True, 200), ("/other/a/theirs.jpg", False, 200)],
        [("/a/", True, 200), ("/a/", False, 507)],
    ],
)
async def test_a_folder_is_empty_only_if_that_is_sure(
    dav: Dav, sessions: Sessions, responses: list[tuple[str, bool, int]]
) -> None:
    """What a server does not tell plainly may be a file, which would go with it."""
    destination = sessions.to(dav.url)
    await destination.make_folder("a")
    dav.files["a/theirs.jpg"] = b"theirs"

    async def hook(request: web.BaseRequest) -> web.StreamResponse | None:
        if request.headers.get("Depth") != "1":
            return None
        body = "".join(
            listed(href, is_folder=is_folder, status=status)
            for href, is_folder, status in responses
        )
        text = f'<d:multistatus xmlns:d="DAV:">{body}</d:multistatus>'
        return web.Response(status=207, text=text)

    dav.hook = hook
    with pytest.raises(Rejected, match="has .* in it"):
        await destination.remove_folder("a")
    assert dav.files == {"a/theirs.jpg": b"theirs"}


@pytest.mark.parametrize(
    ("status", "error"),
    [(403, PermissionDenied), (423, Rejected), (500, Rejected), (507, NoSpace)],
)
async def test_what_a_server_refuses_to_tell_of_is_not_missing(
    dav: Dav, sessions: Sessions, status: int, error: type[StorageError]
) -> None:
    """Else a copy that can't be looked at counts as vanished."""
    destination = sessions.to(dav.url)
    await destination.connect()
    dav.files["file"] = b"123456"

    async def hook(request: web.BaseRequest) -> web.StreamResponse | None:
        if request.method != "PROPFIND" or not request.path.endswith("file"):
            return None
        body = listed(request.path, status=status)
        text = f'<d:multistatus xmlns:d="DAV:">{body}</d:multistatus>'
        return web.Response(status=207, text=text)

    dav.hook = hook
    with pytest.raises(error):
        await destination.stat("file")
    with pytest.raises(error):
        await destination.delete("file")
    status = 404
    assert await destination.stat("file") is None


@pytest.mark.parametrize(
    "moments",
    [
        # At which requests of ours somebody else puts a file there.
        ["MOVE"],
        ["DELETE"],
        ["MOVE", "PROPFIND"],
    ],
    ids="-".join,
)
async def test_a_file_that_appears_while_its_folder_is_removed(
    moments: list[str],
) -> None:
    """Apache's DELETE would take it along; it stays where it was put."""
    server = await shared(Apache)
    root = server.root / f"race-{'-'.join(moments)}"
    folder = root / "2026-11-22"
    due, written = list(moments), set[str]()

    async def appear(
        _: object, __: object, request: aiohttp.TraceRequestStartParams
    ) -> None:
        if due and request.method == due[0]:
            del due[0]
            folder.mkdir(exist_ok=True)
            server.own(folder)
            name = f"{len(written)}.jpg"
            (folder / name).write_bytes(b"theirs")
            server.own(folder / name)
            written.add(name)

    traced = aiohttp.TraceConfig()
    traced.on_request_start.append(appear)
    connector = aiohttp.TCPConnector()
    destination = WebdavDestination(
        WebdavSettings(
            url=server.url, username=USERNAME, password=PASSWORD, path=f"/{root.name}"
        ),
        lambda: aiohttp.ClientSession(
            connector=connector, connector_owner=False, trace_configs=[traced]
        ),
    )
    try:
        await destination.connect()
        await destination.make_folder(folder.name)
        if moments == ["DELETE"]:
            await destination.remove_folder(folder.name)
        else:
            with pytest.raises(Rejected):
                await destination.remove_folder(folder.name)
    finally:
        await destination.close()
        await connector.close()
    assert len(written) == len(moments) - len(due) > 0
    assert {path.name for path in root.iterdir()} == {folder.name}
    assert {path.name for path in folder.iterdir()} == written


async def test_one_try_to_log_in_for_all(
    dav: Dav, sessions: Sessions, make_source: MakeSource
) -> None:
    """Ten uploads at once ask a server once with a password that it refuses."""
    tried = 0

    async def hook(request: web.BaseRequest) -> web.StreamResponse:
        nonlocal tried
        tried += "Authorization" in request.headers
        return web.Response(status=401, headers={"WWW-Authenticate": "Basic realm=x"})

    dav.hook = hook
    destination = sessions.to(dav.url, username="u", password="secret-word")
    source = make_source(10)
    puts = [destination.put(str(n), source, temporary=f"{n}.tmp") for n in range(10)]
    results = await asyncio.gather(*puts, return_exceptions=True)
    assert all(type(result) is AuthFailed for result in results)
    assert not any("secret-word" in repr(result) for result in results)
    assert "secret-word" not in repr(
        WebdavSettings(url=dav.url, password="secret-word")
    )
    assert tried == 1


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


async def test_digest_with_stale_nonces(
    sessions: Sessions, make_source: MakeSource
) -> None:
    """A nonce that is over is followed by a new one, also in the middle of files."""
    server = ApacheDigest()
    server.nonce_lifetime = 1  # type: ignore[misc]
    await server.start()
    try:
        destination = sessions.to(server.url, username=USERNAME, password=PASSWORD)
        for _ in range(3):
            await put(destination, make_source(3 * MIB))
            await asyncio.sleep(1.2)
        assert (await destination.stat("a/file")) is not None
    finally:
        server.remove()


async def test_a_file_that_is_too_large(
    sessions: Sessions, make_source: MakeSource
) -> None:
    """Nginx says 413, and the text says what it means."""
    server = await shared(Nginx)
    (server.root / "small").mkdir(exist_ok=True)
    destination = sessions.to(
        server.url, username=USERNAME, password=PASSWORD, path="small"
    )
    with pytest.raises(StorageError) as raised:
        await put(destination, make_source(3 * MIB))
    assert isinstance(raised.value, Rejected | Unreachable)


async def test_the_whole_test_passes(
    dav: Dav, sessions: Sessions, make_source: MakeSource
) -> None:
    """And leaves nothing."""
    destination = sessions.to(dav.url, path="/one/two")
    await check_destination(destination, workdir=make_source(1).parent)
    assert dav.files == {}
    assert dav.folders == {"", "one", "one/two"}


def test_challenges() -> None:
    """Several in one header or in several, with quotes and commas inside."""
    found = parse_challenges(
        [
            'Digest realm="a, \\"b\\"", nonce="n==", qop="auth,auth-int", stale=TRUE, '
            'Basic realm="x"',
            "Negotiate",
        ]
    )
    assert [each.scheme for each in found] == ["digest", "basic", "negotiate"]
    assert found[0].values == {
        "realm": 'a, "b"',
        "nonce": "n==",
        "qop": "auth,auth-int",
        "stale": "TRUE",
    }
    assert [each.is_known for each in found] == [True, True, False]


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        (
            "SHA-256",
            "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
        ),
    ],
)
def test_digest_as_in_its_rfc(algorithm: str, response: str) -> None:
    """The example of RFC 7616, section 3.9.1."""
    challenge = Challenge(
        "digest",
        {
            "realm": "http-auth@example.org",
            "qop": "auth, auth-int",
            "algorithm": algorithm,
            "nonce": "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
            "opaque": "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS",
        },
    )
    header = digest(
        challenge,
        "Mufasa",
        "Circle of Life",
        method="GET",
        target="/dir/index.html",
        count=1,
        client_nonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
    )
    assert f'response="{response}"' in header
    assert "nc=00000001" in header


def test_login() -> None:
    """Nothing before it is asked; Digest before Basic; a new nonce, no new password."""
    login = Login("u", "p")
    assert login.header("GET", "/") is None
    assert login.refused(['Basic realm="x"', 'Digest realm="x", nonce="1"'], None)
    first = login.challenge
    assert first is not None
    assert first.scheme == "digest"
    assert not login.refused(['Digest realm="x", nonce="2"'], first)
    login.succeed(first)
    assert login.refused(['Digest realm="x", nonce="2"'], first)
    assert login.refused(['Digest realm="x", nonce="3"'], first)  # learned meanwhile
    assert not login.refused(['Basic realm="x"'], login.challenge)
    assert not Login("", "").refused(['Basic realm="x"'], None)
    assert not Login("u", "p").refused(["Bearer"], None)


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
