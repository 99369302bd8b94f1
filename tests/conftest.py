"""Fixtures for all tests but those of whole processes (tests/real, tests/e2e)."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, cast
from unittest.mock import Mock, patch

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.syrupy import HomeAssistantSnapshotExtension
from pytest_homeassistant_custom_component.typing import MqttMockHAClient
from syrupy.assertion import SnapshotAssertion

# The test plugin brings a package custom_components of its own, which would win the
# name if this one were not imported first.
import custom_components.frigate_snap_sync  # noqa: F401
from custom_components.frigate_snap_sync.const import DOMAIN
from custom_components.frigate_snap_sync.coordinator import ENGINE
from custom_components.frigate_snap_sync.sync.engine import Engine
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowHandler, FlowManager
from homeassistant.helpers import issue_registry as ir

from .component import StandInEngine, async_set_up, frigate_entry, local_subentry
from .flow_texts import missing_texts, unsafe_issue
from .harness.frigate import Frigate, FrigateServer
from .pages import is_in_manual


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Keep on one worker what shares a file, or a server of the conformance suite."""
    if not config.pluginmanager.has_plugin("xdist"):
        return
    for item in items:
        group = item.path.name
        if isinstance(item, pytest.Function) and "ceph" in item.fixturenames:
            group = "Ceph"
        elif isinstance(item, pytest.Function) and hasattr(item, "callspec"):
            match item.callspec.params.get("place"):
                case (type() as place, _):
                    # Its server takes long to start: once a run is enough.
                    group = place.__name__
        item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture(autouse=True)
def auto_enable_custom_integrations(request: pytest.FixtureRequest) -> None:
    """Let Home Assistant load this integration, in every test that has one.

    Tests without the hass fixture, those of the pure packages, stay free of it.
    """
    if "recorder_mock" in request.fixturenames:
        # It must be there before Home Assistant is.
        request.getfixturevalue("recorder_mock")
    if "hass" in request.fixturenames:
        request.getfixturevalue("enable_custom_integrations")


@pytest.fixture(autouse=True)
async def enable_event_loop_debug(request: pytest.FixtureRequest) -> None:
    """Run event loops in debug mode where there is a Home Assistant.

    Elsewhere half of all time would go into noting where each future was made.
    """
    asyncio.get_running_loop().set_debug("hass" in request.fixturenames)


@pytest.fixture(autouse=True)
def check_flow_texts(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test whose flows and repairs show what has no English text.

    Or what Markdown would take for its own: texts of servers, of Frigate, of names. And
    a repair that leads to no place in the manual.
    """
    if "hass" not in request.fixturenames:
        yield
        return
    missing: list[str] = []
    handle_step = FlowManager._async_handle_step  # noqa: SLF001

    async def handle_and_check(
        manager: FlowManager[Any, Any, Any],
        flow: FlowHandler[Any, Any, Any],
        *args: Any,
        **kwargs: Any,
    ) -> Any:
        result = await handle_step(manager, flow, *args, **kwargs)
        missing.extend(missing_texts(flow, result))
        return result

    create_issue = ir.async_create_issue

    def create_and_check(
        hass: HomeAssistant, domain: str, issue_id: str, **issue: Any
    ) -> None:
        create_issue(hass, domain, issue_id, **issue)
        if domain == DOMAIN:
            missing.extend(unsafe_issue(issue_id, issue))
            if not is_in_manual(url := issue.get("learn_more_url") or ""):
                missing.append(f"{issue_id}: {url!r} is no place in the manual")

    with (
        patch.object(FlowManager, "_async_handle_step", handle_and_check),
        patch.object(ir, "async_create_issue", create_and_check),
    ):
        yield
    assert not missing


@pytest.fixture
async def mqtt_client(
    hass: HomeAssistant, mqtt_mock: MqttMockHAClient
) -> AsyncIterator[MqttMockHAClient]:
    """Provide Home Assistant's MQTT integration, without a broker."""
    yield mqtt_mock
    # Home Assistant's own client stumbles over what is unsubscribed while it subscribes.
    client = mqtt_mock._mock_wraps  # noqa: SLF001
    await client._subscribe_debouncer.async_cleanup()  # noqa: SLF001
    # Its timer would outlive the test.
    closed = Mock(fileno=Mock(return_value=-1))
    mqtt_mock._mqttc.on_socket_close(mqtt_mock._mqttc, None, closed)  # noqa: SLF001


@pytest.fixture
def steady_loop(hass: HomeAssistant) -> Iterator[None]:
    """Let no timer run out by itself, however slow the machine is: tests fire them."""
    with patch.object(hass.loop, "time", return_value=hass.loop.time()):
        yield


@pytest.fixture
def folders(hass: HomeAssistant, tmp_path: Path) -> Path:
    """Let Home Assistant keep its files in a folder of the test; return that folder.

    Below it: `config`; and `media`, where files may be written.
    """
    (tmp_path / "config").mkdir()
    (tmp_path / "media").mkdir()
    hass.config.config_dir = str(tmp_path / "config")
    hass.config.allowlist_external_dirs = {str(tmp_path / "media")}
    return tmp_path


type ServeFrigate = Callable[..., Awaitable[FrigateServer]]


@pytest.fixture
async def serve_frigate(
    socket_enabled: None, hass: HomeAssistant
) -> AsyncIterator[ServeFrigate]:
    """Serve simulated Frigates over HTTP: arguments as those of FrigateServer."""
    servers: list[FrigateServer] = []

    async def serve(frigate: Frigate | None = None, **arguments: Any) -> FrigateServer:
        server = FrigateServer(frigate or Frigate(), **arguments)
        await server.start()
        servers.append(server)
        return server

    yield serve
    for server in servers:
        await server.stop()


@pytest.fixture
async def frigate_server(serve_frigate: ServeFrigate) -> FrigateServer:
    """Serve a simulated Frigate without login."""
    return await serve_frigate()


@pytest.fixture
def engine(hass: HomeAssistant) -> StandInEngine:
    """Put a stand-in in the place of the engine."""
    stand_in = StandInEngine()

    def make(**arguments: Any) -> StandInEngine:
        stand_in.arguments = arguments
        return stand_in

    hass.data[ENGINE] = cast(type[Engine], make)
    return stand_in


@pytest.fixture
def snapshot(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    """Write snapshots as Home Assistant does, without what changes each time."""
    return snapshot.use_extension(HomeAssistantSnapshotExtension)


@pytest.fixture
async def entry(
    hass: HomeAssistant, engine: StandInEngine, folders: Path
) -> MockConfigEntry:
    """Set up an entry with a camera and a destination."""
    entry = frigate_entry(subentries=[local_subentry("/media/nas")])
    await async_set_up(hass, entry)
    return entry
