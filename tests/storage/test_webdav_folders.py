"""Folders of a WebDAV server, and targets that name a folder or a file."""

import asyncio

import aiohttp
from aiohttp import web
import pytest

from custom_components.frigate_snap_sync.storage.errors import (
    NoSpace,
    PermissionDenied,
    Rejected,
    StorageError,
    Unreachable,
)
from custom_components.frigate_snap_sync.storage.webdav.destination import (
    WebdavDestination,
)
from custom_components.frigate_snap_sync.storage.webdav.settings import WebdavSettings

from ..harness.webdav import PASSWORD, USERNAME, Apache, shared
from .conftest import MakeSource
from .dav_server import Dav
from .test_webdav import MIB, Sessions, dav, put, sessions

__all__ = ["dav", "sessions"]


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
        # At which requests of ours another client puts a file there.
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
