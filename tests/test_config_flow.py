"""The flows that set up a Frigate, change how it is reached, and its options."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.frigate_snap_sync.clients import FRIGATE_LIMITS
from custom_components.frigate_snap_sync.const import DOMAIN
from custom_components.frigate_snap_sync.engine_setup import engine_options
from custom_components.frigate_snap_sync.flows.options import OPTIONS_SCHEMA
from custom_components.frigate_snap_sync.frigate.client import Limits
from custom_components.frigate_snap_sync.sync.engine import EngineOptions, LedgerError
from custom_components.frigate_snap_sync.sync.model.engine_options import LiveFootage
from homeassistant.config_entries import SOURCE_USER, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import issue_registry as ir

from .component import StandInEngine, async_set_up, frigate_entry
from .conftest import ServeFrigate
from .harness.frigate import Auth, Frigate, FrigateServer, Kind, User, self_signed

PASSWORD = "secret-of-the-viewer"


def suggested(result: Any) -> dict[str, Any]:
    """Return the values that a form shows, without those of its sections."""
    return {
        str(marker): marker.description["suggested_value"]
        for marker in result["data_schema"].schema
        if marker.description
    }


def section_values(result: Any, name: str) -> dict[str, Any]:
    """Return the values that a section of a form shows."""
    schema = result["data_schema"].schema
    inner = next(value for marker, value in schema.items() if marker == name)
    return suggested({"data_schema": inner.schema})


@pytest.fixture(autouse=True)
def no_work(engine: StandInEngine) -> None:
    """Let the flows alone do something."""


async def async_start(hass: HomeAssistant) -> Any:
    """Open the form."""
    return await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_USER}
    )


async def async_submit(hass: HomeAssistant, result: Any, **fields: Any) -> Any:
    """Fill in a form."""
    return await hass.config_entries.flow.async_configure(
        result["flow_id"], {"verify_ssl": True, **fields}
    )


async def async_later(hass: HomeAssistant, result: Any) -> Any:
    """Add no destination yet: the entry is created."""
    assert result["type"] is FlowResultType.MENU
    assert result["step_id"] == "first_destination"
    result = await hass.config_entries.flow.async_configure(
        result["flow_id"], {"next_step_id": "later"}
    )
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert "next_flow" not in result
    return result


@pytest.mark.usefixtures("mqtt_client")
async def test_user(hass: HomeAssistant, frigate_server: FrigateServer) -> None:
    """A URL is enough."""
    result = await async_start(hass)
    assert result["type"] is FlowResultType.FORM
    assert result["step_id"] == "user"
    assert not result["errors"]

    result = await async_submit(hass, result, url=f" {frigate_server.url}/ ")

    result = await async_later(hass, result)
    assert result["title"] == "Frigate"
    assert result["result"].unique_id == "frigate"
    assert result["data"] == {"url": frigate_server.url, "verify_ssl": True}
    assert not result["options"]
    await hass.async_block_till_done()
    assert result["result"].state is ConfigEntryState.LOADED


@pytest.mark.usefixtures("mqtt_client")
async def test_user_topic_prefix_of_frigate(
    hass: HomeAssistant, serve_frigate: ServeFrigate
) -> None:
    """The prefix is what Frigate's configuration says, slashes and all."""
    server = await serve_frigate(Frigate(topic_prefix="home/nvr1"))
    result = await async_submit(hass, await async_start(hass), url=server.url)
    result = await async_later(hass, result)
    assert result["title"] == "Frigate (home/nvr1)"
    assert result["result"].unique_id == "home/nvr1"
    assert "topic_prefix" not in result["data"]


@pytest.mark.usefixtures("mqtt_client")
async def test_user_all_fields(
    hass: HomeAssistant, serve_frigate: ServeFrigate
) -> None:
    """Log-in, proxy and another prefix are stored; the proxy is really used."""
    server = await serve_frigate(auth=Auth(users={"viewer": User(password=PASSWORD)}))
    fields = {
        "url": "http://frigate.invalid:8971",
        "username": "viewer",
        "password": PASSWORD,
        # A proxy gets the whole URL and is the only one who is connected to.
        "advanced": {"proxy": server.url, "topic_prefix": "porch/ "},
    }
    result = await async_submit(hass, await async_start(hass), **fields)
    result = await async_later(hass, result)
    assert result["title"] == "Frigate (porch)"
    assert result["data"] == {
        "url": "http://frigate.invalid:8971",
        "username": "viewer",
        "password": PASSWORD,
        "verify_ssl": True,
        "proxy": server.url,
        "topic_prefix": "porch",
    }


@pytest.mark.usefixtures("mqtt_client")
@pytest.mark.parametrize(
    ("path", "kind", "options", "field", "error"),
    [
        ("*", Kind.STATUS, {"status": 502}, "url", "cannot_connect"),
        ("*", Kind.STATUS, {"status": 500}, "url", "cannot_connect"),
        ("*", Kind.RESET, {"after": 0}, "url", "cannot_connect"),
        ("*", Kind.STATUS, {"status": 401}, "password", "invalid_auth"),
        ("/api/config", Kind.STATUS, {"status": 403}, "password", "invalid_auth"),
        ("/api/version", Kind.HTML, {}, "url", "not_frigate"),
        ("/api/config", Kind.EMPTY, {}, "url", "not_frigate"),
    ],
)
async def test_user_frigate_fails(
    hass: HomeAssistant,
    frigate_server: FrigateServer,
    path: str,
    kind: Kind,
    options: dict[str, Any],
    field: str,
    error: str,
) -> None:
    """Each failure has its name and place; the form keeps what was typed."""
    fields = {
        "url": frigate_server.url,
        "username": "",
        "password": "typed",
        "verify_ssl": False,
        "advanced": {"topic_prefix": "frigate"},
    }
    start = await async_start(hass)
    with frigate_server.faults.during(kind, path, **options):
        result = await async_submit(hass, start, **fields)

    assert result["type"] is FlowResultType.FORM
    assert result["errors"] == {field: error}
    assert suggested(result) == {
        key: value for key, value in fields.items() if key != "advanced"
    }
    assert section_values(result, "advanced") == {"topic_prefix": "frigate"}

    result = await async_submit(hass, result, **fields)
    result = await async_later(hass, result)


ANOTHER_SERVER: dict[str, dict[str, Any]] = {
    "JSON, a failure": {"status": 404, "body": b'{"error":"no such route"}'},
    "JSON, whatever is asked": {"status": 200, "body": b'{"version":"0.17.2"}'},
    "a page, a failure": {
        "status": 404,
        "body": b"<html>Not here</html>",
        "content_type": "text/html",
    },
    "a page, whatever is asked": {
        "status": 200,
        "body": b"<html>Welcome</html>",
        "content_type": "text/html",
    },
    "text": {
        "status": 404,
        "body": b"404 page not found",
        "content_type": "text/plain",
    },
    "another method": {"status": 405, "body": b"{}"},
    "a version of its own": {
        "status": 200,
        "body": b"4.8.1",
        "content_type": "text/plain",
    },
}


@pytest.mark.usefixtures("mqtt_client")
@pytest.mark.parametrize("answer", ANOTHER_SERVER.values(), ids=ANOTHER_SERVER)
@pytest.mark.parametrize("log_in", [{}, {"username": "viewer", "password": PASSWORD}])
async def test_user_another_server(
    hass: HomeAssistant,
    frigate_server: FrigateServer,
    answer: dict[str, Any],
    log_in: dict[str, str],
) -> None:
    """Something else listens at that URL, with or without a login."""

    async def handle(request: web.Request) -> web.Response:
        return web.Response(**{"content_type": "application/json", **answer})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    async with TestServer(app, host="127.0.0.1") as server:
        url = str(server.make_url("/"))
        result = await async_submit(hass, await async_start(hass), url=url, **log_in)
    assert result["errors"] == {"url": "not_frigate"}

    result = await async_submit(hass, result, url=frigate_server.url)
    result = await async_later(hass, result)


@pytest.mark.usefixtures("mqtt_client")
@pytest.mark.parametrize(
    ("fields", "errors"),
    [
        ({"url": "192.0.2.5"}, {"url": "invalid_url"}),
        ({"url": "ftp://192.0.2.5"}, {"url": "invalid_url"}),
        ({"url": "http://me:secret@192.0.2.5"}, {"url": "invalid_url"}),
        ({"advanced": {"proxy": "192.0.2.9"}}, {"advanced": "invalid_proxy"}),
        (
            {"advanced": {"topic_prefix": "frigate/#"}},
            {"advanced": "invalid_topic_prefix"},
        ),
        ({"advanced": {"topic_prefix": "a/+/b"}}, {"advanced": "invalid_topic_prefix"}),
    ],
)
async def test_user_plain_mistakes(
    hass: HomeAssistant,
    frigate_server: FrigateServer,
    fields: dict[str, Any],
    errors: dict[str, str],
) -> None:
    """What can't be right is refused without asking anybody."""
    fields = {"url": frigate_server.url, **fields}
    result = await async_submit(hass, await async_start(hass), **fields)
    assert result["errors"] == errors
    assert frigate_server.journal.count() == 0

    result = await async_submit(hass, result, url=frigate_server.url)
    result = await async_later(hass, result)


@pytest.mark.usefixtures("mqtt_client")
async def test_user_nothing_answers(
    hass: HomeAssistant, frigate_server: FrigateServer
) -> None:
    """Frigate is not running yet."""
    await frigate_server.stop()
    url = frigate_server.url
    result = await async_submit(hass, await async_start(hass), url=url)
    assert result["errors"] == {"url": "cannot_connect"}

    await frigate_server.start()
    result = await async_submit(hass, result, url=url)
    result = await async_later(hass, result)


@pytest.mark.usefixtures("mqtt_client")
async def test_user_timeout(hass: HomeAssistant, frigate_server: FrigateServer) -> None:
    """Something takes the connection and says nothing."""
    connections: list[asyncio.StreamWriter] = []
    silent = await asyncio.start_server(
        lambda _, writer: connections.append(writer), "127.0.0.1", 0
    )
    port = silent.sockets[0].getsockname()[1]
    start = await async_start(hass)
    hass.data[FRIGATE_LIMITS] = Limits(idle=0.1, total=0.1)
    result = await async_submit(hass, start, url=f"http://127.0.0.1:{port}")
    del hass.data[FRIGATE_LIMITS]
    assert result["errors"] == {"url": "timeout_connect"}
    silent.close()
    for connection in connections:
        connection.close()

    result = await async_submit(hass, result, url=frigate_server.url)
    result = await async_later(hass, result)


@pytest.fixture
def frigate_with_tls(socket_enabled: None, tmp_path: Path) -> Iterator[FrigateServer]:
    """Serve a simulated Frigate by TLS from a thread of its own.

    In Home Assistant's loop its failing handshakes would fail the test.
    """
    server = FrigateServer(Frigate(), tls=self_signed(tmp_path))
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever)
    thread.start()
    asyncio.run_coroutine_threadsafe(server.start(), loop).result(10)
    yield server
    asyncio.run_coroutine_threadsafe(server.stop(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


@pytest.mark.usefixtures("mqtt_client")
async def test_user_certificate(
    hass: HomeAssistant, frigate_with_tls: FrigateServer
) -> None:
    """A certificate that nobody vouches for is refused, unless the owner says so."""
    url = frigate_with_tls.url
    result = await async_submit(hass, await async_start(hass), url=url)
    assert result["errors"] == {"url": "ssl_error"}
    assert frigate_with_tls.journal.count() == 0

    result = await async_submit(hass, result, url=url, verify_ssl=False)
    result = await async_later(hass, result)
    assert result["data"]["verify_ssl"] is False


@pytest.mark.usefixtures("mqtt_client")
async def test_user_log_in(hass: HomeAssistant, serve_frigate: ServeFrigate) -> None:
    """A missing or wrong password is noticed."""
    server = await serve_frigate(auth=Auth(users={"viewer": User(password=PASSWORD)}))
    result = await async_submit(hass, await async_start(hass), url=server.url)
    assert result["errors"] == {"password": "invalid_auth"}

    fields = {"url": server.url, "username": "viewer"}
    result = await async_submit(hass, result, **fields, password="wrong")
    assert result["errors"] == {"password": "invalid_auth"}

    result = await async_submit(hass, result, **fields, password=PASSWORD)
    result = await async_later(hass, result)


@pytest.mark.usefixtures("mqtt_client")
async def test_user_old_version(
    hass: HomeAssistant, serve_frigate: ServeFrigate
) -> None:
    """Frigate before 0.14 has no reviews as they are today."""
    server = await serve_frigate(Frigate(version="0.13.2"))
    result = await async_submit(hass, await async_start(hass), url=server.url)
    assert result["errors"] == {"url": "unsupported_version"}

    server = await serve_frigate(Frigate(version="0.14.1"))
    result = await async_submit(hass, result, url=server.url)
    result = await async_later(hass, result)


@pytest.mark.usefixtures("mqtt_client")
async def test_user_frigate_without_mqtt(
    hass: HomeAssistant, frigate_server: FrigateServer
) -> None:
    """Frigate can be reached, but would never tell anything."""
    frigate_server.frigate.mqtt_enabled = False
    result = await async_submit(hass, await async_start(hass), url=frigate_server.url)
    assert result["errors"] == {"base": "frigate_mqtt_disabled"}

    frigate_server.frigate.mqtt_enabled = True
    result = await async_submit(hass, result, url=frigate_server.url)
    result = await async_later(hass, result)


@pytest.mark.usefixtures("mqtt_client")
async def test_user_prefix_of_frigate_is_no_topic(
    hass: HomeAssistant, serve_frigate: ServeFrigate
) -> None:
    """What Frigate calls its prefix can't be one; the owner may know better."""
    server = await serve_frigate(Frigate(topic_prefix="frigate/#"))
    result = await async_submit(hass, await async_start(hass), url=server.url)
    assert result["errors"] == {"advanced": "invalid_topic_prefix"}

    result = await async_submit(
        hass, result, url=server.url, advanced={"topic_prefix": "frigate"}
    )
    result = await async_later(hass, result)


@pytest.mark.usefixtures("mqtt_client")
async def test_user_no_mqtt(hass: HomeAssistant, frigate_server: FrigateServer) -> None:
    """Without Home Assistant's MQTT integration nothing would be heard."""
    (mqtt_entry,) = hass.config_entries.async_entries("mqtt")
    assert isinstance(mqtt_entry, MockConfigEntry)
    mqtt_entry.mock_state(hass, ConfigEntryState.NOT_LOADED)
    result = await async_submit(hass, await async_start(hass), url=frigate_server.url)
    assert result["errors"] == {"base": "mqtt_not_set_up"}
    assert frigate_server.journal.count() == 0

    mqtt_entry.mock_state(hass, ConfigEntryState.LOADED)
    result = await async_submit(hass, result, url=frigate_server.url)
    result = await async_later(hass, result)
    await hass.async_block_till_done()


@pytest.mark.usefixtures("mqtt_client")
async def test_user_twice(hass: HomeAssistant, frigate_server: FrigateServer) -> None:
    """One entry per topic prefix, whatever the URL."""
    frigate_entry().add_to_hass(hass)
    result = await async_submit(hass, await async_start(hass), url=frigate_server.url)
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "already_configured"


@pytest.mark.usefixtures("mqtt_client")
async def test_reconfigure(
    hass: HomeAssistant, serve_frigate: ServeFrigate, engine: StandInEngine
) -> None:
    """The way to Frigate changes, the password is kept where none is typed."""
    server = await serve_frigate(auth=Auth(users={"viewer": User(password=PASSWORD)}))
    entry = frigate_entry(
        f"{server.url}/nvr", data={"username": "viewer", "password": PASSWORD}
    )
    await async_set_up(hass, entry)

    result = await entry.start_reconfigure_flow(hass)
    assert result["step_id"] == "reconfigure"
    assert suggested(result) == {
        "url": f"{server.url}/nvr",
        "username": "viewer",
        "verify_ssl": True,
    }
    assert section_values(result, "advanced") == {"proxy": "", "topic_prefix": ""}
    with server.faults.during(Kind.STATUS, status=503):
        result = await async_submit(hass, result, url=server.url, username="viewer")
    assert result["errors"] == {"url": "cannot_connect"}
    assert result["step_id"] == "reconfigure"

    result = await async_submit(hass, result, url=server.url, username="viewer")
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "reconfigure_successful"
    assert entry.data == {
        "url": server.url,
        "username": "viewer",
        "password": PASSWORD,
        "verify_ssl": True,
    }
    await hass.async_block_till_done()
    assert entry.state is ConfigEntryState.LOADED
    # Reloaded once, by the listener.
    assert engine.calls.count(("stop",)) == 1


ANOTHER_RECEIVER: dict[str, tuple[str, str]] = {
    "another host": ("http://frigate.invalid:{port}", ""),
    "another port": ("http://127.0.0.1:1", ""),
    "another scheme": ("https://127.0.0.1:{port}", ""),
    "a proxy": ("http://127.0.0.1:{port}", "http://127.0.0.1:{port}"),
    "another proxy": ("http://frigate.invalid", "http://127.0.0.1:{port}"),
    "no proxy": ("http://127.0.0.1:{port}", ""),
}


@pytest.mark.usefixtures("mqtt_client")
@pytest.mark.parametrize("change", ANOTHER_RECEIVER)
async def test_reconfigure_keeps_the_password_from_others(
    hass: HomeAssistant, serve_frigate: ServeFrigate, change: str
) -> None:
    """The stored password goes where it was typed for, and nowhere else."""
    server = await serve_frigate(auth=Auth(users={"viewer": User(password=PASSWORD)}))
    port = server.url.rpartition(":")[2]
    url, proxy = (text.format(port=port) for text in ANOTHER_RECEIVER[change])
    stored = {"username": "viewer", "password": PASSWORD}
    if change in ("another proxy", "no proxy"):
        stored["proxy"] = "http://192.0.2.9:3128"
    entry = frigate_entry(server.url, data=stored)
    await async_set_up(hass, entry)

    fields = {"url": url, "username": "viewer", "advanced": {"proxy": proxy}}
    result = await entry.start_reconfigure_flow(hass)
    result = await async_submit(hass, result, **fields)
    assert result["errors"] == {"password": "password_missing"}
    assert server.journal.count() == 0
    assert entry.data["url"] == server.url

    if "proxy" in change:  # What else is changed leads to nothing in this test.
        result = await async_submit(hass, result, **fields, password=PASSWORD)
        assert result["reason"] == "reconfigure_successful"


@pytest.mark.usefixtures("mqtt_client")
@pytest.mark.parametrize(
    ("typed", "errors"),
    [
        ({"url": "192.0.2.6"}, {"url": "invalid_url"}),
        ({"advanced": {"proxy": "192.0.2.9"}}, {"advanced": "invalid_proxy"}),
    ],
)
async def test_reconfigure_plain_mistakes_first(
    hass: HomeAssistant,
    frigate_server: FrigateServer,
    typed: dict[str, Any],
    errors: dict[str, str],
) -> None:
    """Of an address that is none nobody knows whether it is another."""
    stored = {"username": "viewer", "password": PASSWORD}
    entry = frigate_entry(frigate_server.url, data=stored)
    await async_set_up(hass, entry)
    result = await entry.start_reconfigure_flow(hass)
    fields = {"url": frigate_server.url, "username": "viewer", **typed}
    result = await async_submit(hass, result, **fields)
    assert result["errors"] == errors
    assert frigate_server.journal.count() == 0


@pytest.mark.usefixtures("mqtt_client")
async def test_reconfigure_without_log_in(
    hass: HomeAssistant, frigate_server: FrigateServer
) -> None:
    """Without a user name the stored password goes too."""
    entry = frigate_entry(data={"username": "viewer", "password": PASSWORD})
    await async_set_up(hass, entry)
    result = await entry.start_reconfigure_flow(hass)
    result = await async_submit(hass, result, url=frigate_server.url)
    assert result["reason"] == "reconfigure_successful"
    assert entry.data == {"url": frigate_server.url, "verify_ssl": True}


@pytest.mark.usefixtures("mqtt_client")
async def test_reconfigure_after_failed_set_up(
    hass: HomeAssistant, frigate_server: FrigateServer
) -> None:
    """An entry that does not run has no listener, and is set up all the same."""
    entry = frigate_entry("not a url")
    await async_set_up(hass, entry)
    assert entry.state is ConfigEntryState.SETUP_ERROR

    result = await entry.start_reconfigure_flow(hass)
    result = await async_submit(hass, result, url=frigate_server.url)
    assert result["reason"] == "reconfigure_successful"
    await hass.async_block_till_done()
    assert entry.state is ConfigEntryState.LOADED


@pytest.mark.usefixtures("mqtt_client")
async def test_reconfigure_another_frigate(
    hass: HomeAssistant, serve_frigate: ServeFrigate
) -> None:
    """The ledger of one Frigate is not that of another."""
    entry = frigate_entry()
    await async_set_up(hass, entry)
    server = await serve_frigate(Frigate(topic_prefix="garage"))
    result = await entry.start_reconfigure_flow(hass)
    result = await async_submit(hass, result, url=server.url)
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "unique_id_mismatch"
    assert entry.data["url"] == "http://192.0.2.5:5000"


@pytest.mark.usefixtures("mqtt_client")
async def test_reauth(
    hass: HomeAssistant, serve_frigate: ServeFrigate, engine: StandInEngine
) -> None:
    """A refused login asks for another; the rest of the settings stays."""
    server = await serve_frigate(auth=Auth(users={"viewer": User(password=PASSWORD)}))
    data = {"username": "viewer", "password": "of last year", "topic_prefix": "frigate"}
    entry = frigate_entry(server.url, data=data)
    await async_set_up(hass, entry)
    engine.show(frigate_login_refused=True)
    engine.show(frigate_login_refused=True, frigate_connected=False)
    await hass.async_block_till_done()
    (flow,) = hass.config_entries.flow.async_progress_by_handler(DOMAIN)
    result = await hass.config_entries.flow.async_configure(flow["flow_id"])
    assert result["step_id"] == "reauth_confirm"
    assert suggested(result) == {"username": "viewer"}
    assert (result["description_placeholders"] or {})["url"] == server.url

    configure = hass.config_entries.flow.async_configure
    for typed, errors in (
        ({"username": "viewer", "password": "wrong"}, {"password": "invalid_auth"}),
        # What is left empty of a password stays, of a user name goes.
        ({"username": "viewer"}, {"password": "invalid_auth"}),
        ({}, {"password": "invalid_auth"}),
    ):
        result = await configure(flow["flow_id"], typed)
        assert result["errors"] == errors
        assert suggested(result) == typed
    with server.faults.during(Kind.STATUS, status=503):
        result = await configure(flow["flow_id"], {"username": "viewer"})
    assert result["errors"] == {"base": "cannot_connect"}

    result = await configure(
        flow["flow_id"], {"username": "viewer", "password": PASSWORD}
    )
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "reauth_successful"
    assert entry.data == {
        "url": server.url,
        "username": "viewer",
        "password": PASSWORD,
        "verify_ssl": True,
        "topic_prefix": "frigate",
    }
    await hass.async_block_till_done()
    assert entry.state is ConfigEntryState.LOADED
    # Reloaded once, by the listener.
    assert engine.calls.count(("stop",)) == 1
    assert not hass.config_entries.flow.async_progress_by_handler(DOMAIN)


@pytest.mark.usefixtures("mqtt_client")
async def test_reauth_ends_by_itself(
    hass: HomeAssistant, engine: StandInEngine, issue_registry: ir.IssueRegistry
) -> None:
    """A Frigate that takes the login again needs no new one."""
    await async_set_up(hass, frigate_entry())
    for _ in range(2):
        engine.show(frigate_login_refused=True)
        await hass.async_block_till_done()
        assert len(hass.config_entries.flow.async_progress_by_handler(DOMAIN)) == 1
        assert len(issue_registry.issues) == 1
        engine.show(frigate_login_refused=False)
        await hass.async_block_till_done()
        assert not hass.config_entries.flow.async_progress_by_handler(DOMAIN)
        assert not issue_registry.issues


@pytest.mark.usefixtures("mqtt_client")
@pytest.mark.parametrize("is_closed", [True, False])
async def test_reauth_beside_a_forgotten_reconfigure_flow(
    hass: HomeAssistant, engine: StandInEngine, is_closed: bool
) -> None:
    """Home Assistant asks for no login while one is open; nothing ever ends it."""
    entry = frigate_entry()
    await async_set_up(hass, entry)
    forgotten = await entry.start_reconfigure_flow(hass)

    def sources() -> list[str]:
        flows = hass.config_entries.flow.async_progress_by_handler(DOMAIN)
        return [flow["context"]["source"] for flow in flows]

    engine.show(frigate_login_refused=True, frigate_login_refusals=1)
    engine.show(pending_uploads=5)
    await hass.async_block_till_done()
    assert sources() == ["reconfigure"]  # Its owner may be typing the password.
    if is_closed:
        hass.config_entries.flow.async_abort(forgotten["flow_id"])
        engine.show(pending_uploads=6)
    else:
        engine.show(frigate_login_refusals=2)
    await hass.async_block_till_done()
    assert sources() == ["reauth"]
    for refusals in (3, 4):
        engine.show(frigate_login_refusals=refusals)
        await hass.async_block_till_done()
        assert sources() == ["reauth"]
    engine.show(frigate_login_refused=False, frigate_login_refusals=0)
    await hass.async_block_till_done()
    assert not sources()


@pytest.mark.usefixtures("mqtt_client")
async def test_reauth_after_failed_set_up(
    hass: HomeAssistant, serve_frigate: ServeFrigate, engine: StandInEngine
) -> None:
    """An entry that does not run has no listener, and is set up all the same."""
    server = await serve_frigate(auth=Auth(users={"viewer": User(password=PASSWORD)}))
    engine.failure = LedgerError("no disk")
    entry = frigate_entry(server.url)
    await async_set_up(hass, entry)
    assert entry.state is ConfigEntryState.SETUP_RETRY

    engine.failure = None
    result = await entry.start_reauth_flow(hass)
    assert result["step_id"] == "reauth_confirm"
    result = await hass.config_entries.flow.async_configure(
        result["flow_id"], {"username": "viewer", "password": PASSWORD}
    )
    assert result["reason"] == "reauth_successful"
    await hass.async_block_till_done()
    assert entry.state is ConfigEntryState.LOADED


@pytest.mark.usefixtures("mqtt_client")
async def test_reauth_another_frigate(
    hass: HomeAssistant, serve_frigate: ServeFrigate
) -> None:
    """The login of one Frigate is not stored for another."""
    server = await serve_frigate(Frigate(topic_prefix="garage"))
    entry = frigate_entry(server.url)
    await async_set_up(hass, entry)
    result = await entry.start_reauth_flow(hass)
    result = await hass.config_entries.flow.async_configure(
        result["flow_id"], {"username": "viewer", "password": PASSWORD}
    )
    assert result["reason"] == "unique_id_mismatch"
    assert "password" not in entry.data


@pytest.mark.usefixtures("mqtt_client")
async def test_options(hass: HomeAssistant, engine: StandInEngine) -> None:
    """Options reach the engine, in its units, by a reload."""
    entry = frigate_entry(options={"padding_before": 7})
    await async_set_up(hass, entry)
    assert engine.arguments["options"] == EngineOptions(padding_before=7)

    result = await hass.config_entries.options.async_init(entry.entry_id)
    assert result["step_id"] == "init"
    assert suggested(result) == {"padding_before": 7}
    options = {
        "delay_after_startup": 30,
        "upload_during_review": False,
        "part_length": 15,
        "padding_before": 0,
        "padding_after": 60,
        "look_back": 48,
        "spool_limit": 512,
        "at_risk_after": 120,
        "live_footage": "all",
        "live_taps": 2,
    }
    result = await hass.config_entries.options.async_configure(
        result["flow_id"], options
    )
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert entry.options == options
    await hass.async_block_till_done()
    assert engine.arguments["options"] == EngineOptions(
        delay_after_startup=30,
        upload_during_review=False,
        part_length=15,
        padding_before=0,
        padding_after=60,
        look_back=172_800,
        spool_limit=536_870_912,
        at_risk_after=7_200,
        live_footage=LiveFootage.ALL,
        live_taps=2,
    )


def test_defaults_are_those_of_the_engine() -> None:
    """An option that was never set is what the engine takes by itself."""
    assert OPTIONS_SCHEMA({}) == {
        "delay_after_startup": 0,
        "upload_during_review": True,
        "part_length": 30,
        "padding_before": 5,
        "padding_after": 5,
        "look_back": 24,
        "spool_limit": 2048,
        "at_risk_after": 15,
        "live_footage": "alerts",
        "live_taps": 4,
    }
    assert engine_options({}) == engine_options(OPTIONS_SCHEMA({})) == EngineOptions()
