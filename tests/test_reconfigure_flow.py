"""The flows that change how a Frigate is reached."""

from typing import Any

import pytest

from custom_components.frigate_snap_sync.const import DOMAIN
from custom_components.frigate_snap_sync.sync.engine import LedgerError
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import issue_registry as ir

from .component import StandInEngine, async_set_up, frigate_entry
from .conftest import ServeFrigate
from .harness.frigate import Auth, Frigate, FrigateServer, Kind, User
from .test_config_flow import PASSWORD, async_submit, no_work, section_values, suggested

__all__ = ["no_work"]


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
        await hass.async_block_till_done()


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
    """Of an address that is none it is not known whether it is another."""
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
    # Its title says which Frigate it is.
    assert (result["description_placeholders"] or {})["name"] == entry.title
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
async def test_reauth_in_safe_mode(
    hass: HomeAssistant, serve_frigate: ServeFrigate
) -> None:
    """Frigate does not say its prefix then, but the login is all that is new."""
    frigate = Frigate(topic_prefix="garage")
    frigate.is_in_safe_mode = True
    users = {"viewer": User(password=PASSWORD)}
    server = await serve_frigate(frigate, auth=Auth(users=users))
    entry = frigate_entry(server.url)
    await async_set_up(hass, entry)
    hass.config_entries.async_update_entry(entry, unique_id="garage")
    await hass.async_block_till_done()
    result = await entry.start_reauth_flow(hass)
    for password, outcome in (
        ("wrong", FlowResultType.FORM),
        (PASSWORD, FlowResultType.ABORT),
    ):
        result = await hass.config_entries.flow.async_configure(
            result["flow_id"], {"username": "viewer", "password": password}
        )
        assert result["type"] is outcome
    assert result["reason"] == "reauth_successful"
    assert entry.data["password"] == PASSWORD
