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
from custom_components.frigate_snap_sync.sync.engine import EngineOptions
from custom_components.frigate_snap_sync.sync.model.engine_options import LiveFootage
from homeassistant.config_entries import SOURCE_USER, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType

from .component import StandInEngine, async_set_up, frigate_entry, local_subentry
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
@pytest.mark.parametrize("choice", ["later", "local"])
async def test_user_prefix_taken_meanwhile(
    hass: HomeAssistant, frigate_server: FrigateServer, choice: str
) -> None:
    """The form was left open at its last step; a repair gave the prefix to another entry.

    Home Assistant would replace that one, with its ledger and its destinations.
    """
    other = frigate_entry(frigate_server.url, subentries=[local_subentry("/media/nas")])
    await async_set_up(hass, other)
    hass.config_entries.async_update_entry(other, unique_id="nvr")
    await hass.async_block_till_done()
    result = await async_submit(
        hass, await async_start(hass), url=f"{frigate_server.url}/"
    )
    assert result["type"] is FlowResultType.MENU
    hass.config_entries.async_update_entry(other, unique_id="frigate")
    await hass.async_block_till_done()
    result = await hass.config_entries.flow.async_configure(
        result["flow_id"], {"next_step_id": choice}
    )
    assert result["reason"] == "already_configured"
    assert hass.config_entries.async_entries(DOMAIN) == [other]
    assert other.subentries


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
@pytest.mark.parametrize("advanced", [{}, {"topic_prefix": "garage"}])
async def test_user_frigate_in_safe_mode(
    hass: HomeAssistant, frigate_server: FrigateServer, advanced: dict[str, str]
) -> None:
    """It does not say then what is set up: neither its prefix nor that of MQTT."""
    frigate_server.frigate.is_in_safe_mode = True
    result = await async_submit(
        hass, await async_start(hass), url=frigate_server.url, advanced=advanced
    )
    assert result["errors"] == {"base": "frigate_safe_mode"}

    frigate_server.frigate.is_in_safe_mode = False
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
        result["flow_id"], {**options, "look_back": 0.5 + 1, "live_taps": 1.9}
    )
    assert result["errors"] == {
        "look_back": "whole_number",
        "live_taps": "whole_number",
    }
    assert suggested(result)["live_taps"] == 1.9
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
