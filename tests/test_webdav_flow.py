"""The flow of a WebDAV server, against one in this process and a real one."""

from collections.abc import AsyncGenerator
from typing import Any

from aiohttp import web
import pytest

from custom_components.frigate_snap_sync.diagnostics import (
    async_get_config_entry_diagnostics,
)
from custom_components.frigate_snap_sync.engine_setup import destination_setup
from custom_components.frigate_snap_sync.storage.check import FIXED_PROBE
from custom_components.frigate_snap_sync.storage.growing import AlreadyThere
from custom_components.frigate_snap_sync.storage.memory_source import MemorySource
from custom_components.frigate_snap_sync.storage.webdav.destination import (
    WebdavDestination,
)
from custom_components.frigate_snap_sync.storage.wrappers.film_first import FilmFirst
from custom_components.frigate_snap_sync.sync.model.status import Problem
from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    SOURCE_USER,
    ConfigSubentryDataWithId,
)
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType

from .component import SELECTION, STORING, StandInEngine, async_set_up, frigate_entry
from .harness.processes import free_port
from .harness.webdav import PASSWORD, USERNAME, Rclone
from .storage.dav_server import Dav, serving
from .test_config_flow import suggested
from .test_repairs import Post, fix

__all__ = ["fix"]

pytestmark = pytest.mark.usefixtures("mqtt_client", "engine", "folders")

DAV_ID = "dav"
SECRET = "app-password-1234"
BASIC = "Basic Y2FtZXJhOmFwcC1wYXNzd29yZC0xMjM0"


@pytest.fixture
async def dav(socket_enabled: None, hass: HomeAssistant) -> AsyncGenerator[Dav]:
    """A server that wants a password."""
    dav = Dav()

    async def log_in(request: web.BaseRequest) -> web.StreamResponse | None:
        if request.headers.get("Authorization") == BASIC:
            return None
        return web.Response(
            status=401, headers={"WWW-Authenticate": 'Basic realm="x", charset="UTF-8"'}
        )

    dav.hook = log_in
    async with serving(dav):
        yield dav


def typed(url: str, **changes: Any) -> dict[str, Any]:
    """Return what to type."""
    return {
        "name": "Cloud",
        "url": url,
        "username": "camera",
        "password": SECRET,
        "verify_ssl": True,
        "path": "frigate/Küche",
        **changes,
    }


def stored(url: str, **changes: Any) -> ConfigSubentryDataWithId:
    """Return a destination as it is stored."""
    data = {
        "url": url,
        "username": "camera",
        "password": SECRET,
        "verify_ssl": True,
        "path": "/frigate",
        "selection": SELECTION,
        "storing": STORING,
        **changes,
    }
    return ConfigSubentryDataWithId(
        data=data,
        subentry_id=DAV_ID,
        subentry_type="webdav",
        title="Cloud",
        unique_id=f"webdav:camera@{url}/frigate",
    )


async def async_add(hass: HomeAssistant, entry_id: str, **fields: Any) -> Any:
    """Open the form and fill it in."""
    flows = hass.config_entries.subentries
    result: Any = await flows.async_init(
        (entry_id, "webdav"), context={"source": SOURCE_USER}
    )
    assert result["step_id"] == "user"
    return await flows.async_configure(result["flow_id"], fields)


@pytest.mark.parametrize("append_only", [False, True])
async def test_a_file_that_comes_while_one_is_sent(
    hass: HomeAssistant, dav: Dav, append_only: bool
) -> None:
    """It stays where nothing is replaced; the probe of a test is all the same."""
    storing = {**STORING, "append_only": append_only}
    entry = frigate_entry(subentries=[stored(dav.url, storing=storing)])
    await async_set_up(hass, entry)
    destination = destination_setup(hass, entry.subentries[DAV_ID]).destination
    log_in = dav.hook
    assert log_in is not None

    async def another_comes(request: web.BaseRequest) -> web.StreamResponse | None:
        if request.method == "MOVE":
            target = request.headers["Destination"].partition("/frigate/")[2]
            dav.files.setdefault(f"frigate/{target}", b"theirs")
        return await log_in(request)

    dav.hook = another_comes
    ours = MemorySource("f.mp4", b"ours")
    if append_only:
        with pytest.raises(AlreadyThere):
            await destination.put("a/f.mp4", ours, temporary="a/.t.tmp")
    else:
        await destination.put("a/f.mp4", ours, temporary="a/.t.tmp")
    await destination.put(FIXED_PROBE, ours, temporary=".p.tmp")
    assert dav.files == {
        "frigate/a/f.mp4": b"theirs" if append_only else b"ours",
        f"frigate/{FIXED_PROBE}": b"ours",
    }
    await destination.close()


async def async_change(hass: HomeAssistant, entry_id: str, **fields: Any) -> Any:
    """Open the form of the stored one and fill it in."""
    flows = hass.config_entries.subentries
    result: Any = await flows.async_init(
        (entry_id, "webdav"),
        context={"source": SOURCE_RECONFIGURE, "subentry_id": DAV_ID},
    )
    assert "password" not in suggested(result)
    return await flows.async_configure(result["flow_id"], fields)


async def test_user(hass: HomeAssistant, dav: Dav, engine: StandInEngine) -> None:
    """Tested, made and stored; nothing is left there."""
    entry = frigate_entry()
    await async_set_up(hass, entry)
    dav.forms = ("/",)
    result = await async_add(hass, entry.entry_id, **typed(f" {dav.url}/ "))
    assert result["type"] is FlowResultType.CREATE_ENTRY
    (subentry,) = entry.subentries.values()
    assert subentry.unique_id == f"webdav:camera@{dav.url}/frigate/Küche"
    assert subentry.data == {
        "url": dav.url,
        "username": "camera",
        "password": SECRET,
        "verify_ssl": True,
        "path": "/frigate/Küche",
        "destination_form": "path",
        "selection": SELECTION,
        "storing": STORING,
    }
    assert dav.folders == {"", "frigate", "frigate/Küche"}
    assert not dav.files
    await hass.async_block_till_done()
    assert [setup.name for setup in engine.setups] == ["Cloud"]
    built = destination_setup(hass, subentry).destination
    assert isinstance(built, FilmFirst)
    assert isinstance(built.inner, WebdavDestination)
    assert built.findings == {"destination_form": "path"}


async def test_a_real_server(socket_enabled: None, hass: HomeAssistant) -> None:
    """rclone, as it stands before a cloud."""
    server = Rclone()
    await server.start()
    try:
        entry = frigate_entry()
        await async_set_up(hass, entry)
        fields = typed(server.url, username=USERNAME, password=PASSWORD)
        result = await async_add(hass, entry.entry_id, **fields)
        assert result["type"] is FlowResultType.CREATE_ENTRY
        assert (server.root / "frigate" / "Küche").is_dir()
        assert not [path for path in server.root.rglob("*") if path.is_file()]
    finally:
        server.remove()


@pytest.mark.parametrize(
    ("fields", "errors"),
    [
        ({"url": "ftp://nas/dav"}, {"url": "invalid_url"}),
        ({"url": "nas/dav"}, {"url": "invalid_url"}),
        ({"url": "  "}, {"url": "invalid_url"}),
        ({"url": "https://me:secret@nas/dav"}, {"url": "invalid_url"}),
        ({"url": "https://nas/a/../b"}, {"url": "invalid_url"}),
        ({"path": "a/../b"}, {"path": "invalid_path"}),
        ({"path": "a\\b"}, {"path": "invalid_path"}),
        ({"path": "x" * 300}, {"path": "invalid_path"}),
        ({"path": "a\0b"}, {"path": "invalid_path"}),
        ({"name": "  "}, {"name": "name_missing"}),
        ({"username": "a\nb"}, {"username": "invalid_username"}),
    ],
)
async def test_plain_mistakes(
    hass: HomeAssistant, dav: Dav, fields: dict[str, Any], errors: dict[str, str]
) -> None:
    """A named error at the field, and nothing is asked or stored."""
    entry = frigate_entry()
    await async_set_up(hass, entry)
    result = await async_add(hass, entry.entry_id, **(typed(dav.url) | fields))
    assert result["errors"] == errors
    assert not entry.subentries
    assert dav.asked == []


@pytest.mark.parametrize("path", ["a%2fb", " /a//b/ ", "ü/ß", "100 %"])
async def test_odd_paths(hass: HomeAssistant, dav: Dav, path: str) -> None:
    """A path is taken as it is typed, letter by letter."""
    entry = frigate_entry()
    await async_set_up(hass, entry)
    result = await async_add(hass, entry.entry_id, **typed(dav.url, path=path))
    assert result["type"] is FlowResultType.CREATE_ENTRY
    expected = "/".join(part for part in path.strip().split("/") if part)
    assert expected in dav.folders


PAGE = "<!DOCTYPE html><html><body>Please log in</body></html>"


@pytest.mark.parametrize(
    ("answer", "errors"),
    [
        ({"status": 200, "text": PAGE, "content_type": "text/html"}, "not_webdav"),
        ({"status": 200}, "not_webdav"),
        ({"status": 204}, "not_webdav"),
        ({"status": 207, "text": PAGE}, "not_webdav"),
        ({"status": 207, "text": "<a><b></b></a>"}, "not_webdav"),
        ({"status": 404}, "not_webdav"),
        ({"status": 405}, "not_webdav"),
        ({"status": 302, "headers": {"Location": "https://b.example/x"}}, "redirected"),
        ({"status": 429, "headers": {"Retry-After": "30"}}, "throttled"),
        ({"status": 502}, "cannot_connect"),
        ({"status": 511}, "cannot_connect"),
    ],
    ids=str,
)
async def test_no_webdav_there(
    hass: HomeAssistant, dav: Dav, answer: dict[str, Any], errors: str
) -> None:
    """Login pages, captive portals, redirects, and servers that say yes to all."""

    async def hook(request: web.BaseRequest) -> web.StreamResponse:
        assert "Authorization" not in request.headers
        return web.Response(**answer)

    dav.hook = hook
    entry = frigate_entry()
    await async_set_up(hass, entry)
    result = await async_add(hass, entry.entry_id, **typed(dav.url))
    assert result["errors"] == {"url": errors}
    if errors == "redirected":
        assert "https://b.example/x" in result["description_placeholders"]["reason"]
    assert not entry.subentries
    assert "PUT" not in dav.asked


@pytest.mark.parametrize(
    ("status", "place", "error"),
    [
        (403, "path", "not_writable"),
        (507, "path", "no_space"),
        (413, "path", "rejected"),
        (423, "path", "rejected"),
    ],
)
async def test_a_refused_test(
    hass: HomeAssistant, dav: Dav, status: int, place: str, error: str
) -> None:
    """What the server refuses is named; what the test has made is removed."""

    async def hook(request: web.BaseRequest) -> web.StreamResponse | None:
        if request.method == "PUT":
            await request.read()
            return web.Response(status=status)
        return None

    dav.hook = hook
    entry = frigate_entry()
    await async_set_up(hass, entry)
    result = await async_add(hass, entry.entry_id, **typed(dav.url))
    assert result["errors"] == {place: error}
    assert not entry.subentries
    assert not dav.files
    assert dav.folders <= {"", "frigate", "frigate/Küche"}


async def test_a_wrong_password(hass: HomeAssistant, dav: Dav) -> None:
    """At the field, and asked once: no login storm."""
    entry = frigate_entry()
    await async_set_up(hass, entry)
    result = await async_add(hass, entry.entry_id, **typed(dav.url, password="wrong"))
    assert result["errors"] == {"password": "invalid_auth"}
    assert dav.asked == ["PROPFIND", "PROPFIND"]
    result = await hass.config_entries.subentries.async_configure(
        result["flow_id"], typed(dav.url)
    )
    assert result["type"] is FlowResultType.CREATE_ENTRY


@pytest.mark.parametrize(
    "text",
    [
        "Client sent an HTTP request to an HTTPS server.\n",
        "<html><title>400 The plain HTTP request was sent to HTTPS port</title></html>",
        "<html>Reason: You're speaking plain HTTP to an SSL-enabled server port.<br />"
        "Instead use the HTTPS scheme to access this URL, please.</html>",
        "Bad Request\nThis combination of host and port requires TLS.\n",
    ],
    ids=["go", "nginx", "apache", "tomcat"],
)
async def test_a_port_for_tls(hass: HomeAssistant, dav: Dav, text: str) -> None:
    """The form says that the address must begin with https://."""

    async def hook(request: web.BaseRequest) -> web.StreamResponse:
        kind = "text/html" if "<html>" in text else "text/plain"
        return web.Response(status=400, text=text, content_type=kind)

    dav.hook = hook
    entry = frigate_entry()
    await async_set_up(hass, entry)
    result = await async_add(hass, entry.entry_id, **typed(dav.url))
    assert result["errors"] == {"url": "ssl_error"}
    assert "This port speaks TLS" in result["description_placeholders"]["reason"]


async def test_nobody_there(
    socket_enabled: None, hass: HomeAssistant, dav: Dav
) -> None:
    """No server, and no TLS."""
    entry = frigate_entry()
    await async_set_up(hass, entry)
    url = f"http://127.0.0.1:{free_port()}"
    result = await async_add(hass, entry.entry_id, **typed(url))
    assert result["errors"] == {"url": "cannot_connect"}
    url = dav.url.replace("http", "https")
    result = await async_add(hass, entry.entry_id, **typed(url))
    assert result["errors"] == {"url": "ssl_error"}


async def test_reconfigure(hass: HomeAssistant, dav: Dav) -> None:
    """An empty password keeps the stored one, at its own server alone."""
    entry = frigate_entry(subentries=[stored(dav.url)])
    await async_set_up(hass, entry)
    other = Dav()
    async with serving(other):
        fields = typed(other.url)
        del fields["password"]
        result = await async_change(hass, entry.entry_id, **fields)
        assert result["errors"] == {"password": "password_missing"}
        assert other.asked == []

    fields = typed(f"{dav.url}/")
    del fields["password"]
    result = await async_change(hass, entry.entry_id, **fields)
    assert result["reason"] == "reconfigure_successful"
    data = entry.subentries[DAV_ID].data
    assert (data["path"], data["password"]) == ("/frigate/Küche", SECRET)


async def test_the_same_place_twice(hass: HomeAssistant, dav: Dav) -> None:
    """It is not added again."""
    entry = frigate_entry(subentries=[stored(dav.url)])
    await async_set_up(hass, entry)
    result = await async_add(hass, entry.entry_id, **typed(dav.url, path="/frigate/"))
    assert result["reason"] == "already_configured"


async def test_a_refused_login_is_repaired(
    hass: HomeAssistant, dav: Dav, engine: StandInEngine, fix: Post
) -> None:
    """With another password, which is tried before it is stored."""
    entry = frigate_entry(subentries=[stored(dav.url, password="old")])
    await async_set_up(hass, entry)
    engine.show_destination(DAV_ID, connected=False, problem=Problem.LOGIN_REFUSED)
    await hass.async_block_till_done()
    form = await fix(f"login_refused_{DAV_ID}")
    assert form["step_id"] == "credentials"
    wrong = await fix(form, password="wrong")
    assert wrong["errors"] == {"password": "invalid_auth"}
    assert entry.subentries[DAV_ID].data["password"] == "old"
    done = await fix(wrong, password=SECRET)
    assert done["type"] == "create_entry"
    assert entry.subentries[DAV_ID].data["password"] == SECRET


async def test_diagnostics_hold_no_secret(hass: HomeAssistant, dav: Dav) -> None:
    """No password, address, user or path."""
    entry = frigate_entry(subentries=[stored("https://cloud.example/dav")])
    await async_set_up(hass, entry)
    shown = str(await async_get_config_entry_diagnostics(hass, entry))
    for private in (SECRET, "cloud.example", "'camera'", "/frigate'"):
        assert private not in shown


@pytest.mark.parametrize(
    ("lost", "is_asked"),
    [
        ({"url": ...}, True),
        ({"url": 5}, True),
        ({"url": "ftp://nas/dav"}, True),
        ({"username": ...}, False),
        ({"path": None}, False),
        ({"verify_ssl": ...}, False),
    ],
    ids=str,
)
async def test_data_that_lack_something(
    hass: HomeAssistant,
    dav: Dav,
    engine: StandInEngine,
    lost: dict[str, Any],
    is_asked: bool,
) -> None:
    """A password whose server is not known goes nowhere: it is asked for."""
    subentry = stored(dav.url)
    data = {**subentry["data"], **lost}
    subentry["data"] = {key: value for key, value in data.items() if value is not ...}
    entry = frigate_entry(subentries=[subentry])
    await async_set_up(hass, entry)
    fields = typed(dav.url)
    password = fields.pop("password")
    result = await async_change(hass, entry.entry_id, **fields)
    if is_asked:
        assert result["errors"] == {"password": "password_missing"}
        assert dav.asked == []
        fields["password"] = password
        result = await async_change(hass, entry.entry_id, **fields)
    assert result["reason"] == "reconfigure_successful"
    assert entry.subentries[DAV_ID].data["password"] == SECRET
    await hass.async_block_till_done()
    (setup,) = engine.setups
    await setup.destination.connect()
    await setup.destination.close()
