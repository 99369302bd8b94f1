"""Repairs of a host key that changed, and of a login that is refused."""

from typing import Any

import asyncssh
import pytest

from custom_components.frigate_snap_sync.const import DOMAIN
from custom_components.frigate_snap_sync.storage.errors import (
    AuthFailed,
    PermissionDenied,
    StorageError,
    Unreachable,
)
from custom_components.frigate_snap_sync.sync.model.status import Problem
from custom_components.frigate_snap_sync.words import async_why
from homeassistant.core import HomeAssistant

from .component import (
    ENTRY_ID,
    SFTP_ID,
    StandInEngine,
    async_set_up,
    frigate_entry,
    sftp_subentry,
)
from .conftest import ServeFrigate
from .harness.frigate import Auth, FrigateServer, User
from .harness.sftp_server import PASSWORD, USERNAME, SftpServer
from .test_init import async_wait, shows
from .test_repairs import Post, fix, open_issues, pinned, server
from .test_sftp_flow import stored_server

__all__ = ["fix", "server"]

pytestmark = pytest.mark.usefixtures("mqtt_client", "folders")


# The host key


async def test_host_key(
    hass: HomeAssistant, engine: StandInEngine, server: SftpServer, fix: Post
) -> None:
    """Both keys are shown; confirming the new one stores it, and no login before."""
    old = asyncssh.generate_private_key("ssh-rsa")
    entry = frigate_entry(subentries=[stored_server(server, host_key=pinned(old))])
    await async_set_up(hass, entry)
    engine.show_destination(SFTP_ID, problem=Problem.HOST_KEY_CHANGED)

    result = await fix(f"host_key_changed_{SFTP_ID}")
    assert result["step_id"] == "confirm"
    assert result["data_schema"] == []
    shown = result["description_placeholders"]
    assert shown["destination"] == "Off-site server"
    assert shown["host"] == "127.0.0.1"
    assert shown["old_algorithm"] == "ssh-rsa"
    assert shown["old_fingerprint"] == old.get_fingerprint()
    assert shown["new_algorithm"] == "ssh-ed25519"
    assert shown["new_fingerprint"] == server.key.get_fingerprint()
    assert entry.subentries[SFTP_ID].data["host_key"] == pinned(old)

    result = await fix(result)
    assert result["type"] == "create_entry"
    assert entry.subentries[SFTP_ID].data["host_key"] == server.host_key
    assert entry.subentries[SFTP_ID].data["password"] == PASSWORD
    assert server.behavior.log_ins == 0
    # Taken over without a reload.
    assert ("stop",) not in engine.calls
    engine.show_destination(SFTP_ID, problem=None)
    assert not open_issues(hass)


async def test_host_key_changes_once_more(
    hass: HomeAssistant, engine: StandInEngine, server: SftpServer, fix: Post
) -> None:
    """Only a key that was looked at is pinned."""
    old = asyncssh.generate_private_key("ssh-ed25519")
    entry = frigate_entry(subentries=[stored_server(server, host_key=pinned(old))])
    await async_set_up(hass, entry)
    engine.show_destination(SFTP_ID, problem=Problem.HOST_KEY_CHANGED)
    result = await fix(f"host_key_changed_{SFTP_ID}")

    await server.stop()
    result = await fix(result)
    assert result["errors"] == {"base": "cannot_connect"}
    shown = result["description_placeholders"]
    assert shown["new_fingerprint"] == server.key.get_fingerprint()

    server.key = asyncssh.generate_private_key("ssh-ed25519")
    await server.start()
    result = await fix(result)
    assert result["errors"] == {"base": "host_key_mismatch"}
    shown = result["description_placeholders"]
    assert shown["new_fingerprint"] == server.key.get_fingerprint()
    assert entry.subentries[SFTP_ID].data["host_key"] == pinned(old)

    result = await fix(result)
    assert result["type"] == "create_entry"
    assert entry.subentries[SFTP_ID].data["host_key"] == server.host_key


async def test_host_key_is_back(
    hass: HomeAssistant, engine: StandInEngine, server: SftpServer, fix: Post
) -> None:
    """The confirmed key again: nothing to confirm; no server: nothing to show."""
    await async_set_up(hass, frigate_entry(subentries=[stored_server(server)]))
    engine.show_destination(SFTP_ID, problem=Problem.HOST_KEY_CHANGED)
    result = await fix(f"host_key_changed_{SFTP_ID}")
    assert result["type"] == "abort"
    assert result["reason"] == "host_key_back"

    await server.stop()
    result = await fix(f"host_key_changed_{SFTP_ID}")
    assert result["reason"] == "cannot_connect"
    assert open_issues(hass) == {f"host_key_changed_{SFTP_ID}"}


async def test_host_key_with_the_real_engine(
    hass: HomeAssistant, frigate_server: FrigateServer, server: SftpServer, fix: Post
) -> None:
    """From a strange key to a connection, without a reload."""
    old = asyncssh.generate_private_key("ssh-ed25519")
    entry = frigate_entry(
        frigate_server.url,
        subentries=[stored_server(server, host_key=pinned(old))],
    )
    await async_set_up(hass, entry)
    await async_wait(lambda: open_issues(hass), "the repair")
    coordinator = entry.runtime_data
    assert open_issues(hass) == {f"host_key_changed_{SFTP_ID}"}
    assert server.behavior.log_ins == 0
    result = await fix(f"host_key_changed_{SFTP_ID}")
    assert (await fix(result))["type"] == "create_entry"
    await async_wait(
        shows(hass, "binary_sensor.off_site_server_connection", "on"), "the connection"
    )
    await async_wait(lambda: not open_issues(hass), "the end of the repair")
    assert entry.runtime_data is coordinator


# The login


async def test_log_in_with_the_real_engine(
    hass: HomeAssistant, frigate_server: FrigateServer, server: SftpServer, fix: Post
) -> None:
    """From a refused password to a connection; a wrong one is not stored."""
    entry = frigate_entry(
        frigate_server.url, subentries=[stored_server(server, password="of last year")]
    )
    await async_set_up(hass, entry)
    await async_wait(lambda: open_issues(hass), "the repair")
    assert open_issues(hass) == {f"login_refused_{SFTP_ID}"}

    result = await fix(f"login_refused_{SFTP_ID}")
    assert result["step_id"] == "credentials"
    assert [field["name"] for field in result["data_schema"]] == ["password"]
    assert result["description_placeholders"]["username"] == USERNAME
    for typed in ({"password": "wrong"}, {}):
        result = await fix(result, **typed)
        assert result["errors"] == {"password": "invalid_auth"}
        assert entry.subentries[SFTP_ID].data["password"] == "of last year"

    result = await fix(result, password=PASSWORD)
    assert result["type"] == "create_entry"
    assert entry.subentries[SFTP_ID].data["password"] == PASSWORD
    await async_wait(
        shows(hass, "binary_sensor.off_site_server_connection", "on"), "the connection"
    )
    await async_wait(lambda: not open_issues(hass), "the end of the repair")


async def test_reconfigure_without_a_change_with_the_real_engine(
    hass: HomeAssistant, frigate_server: FrigateServer, server: SftpServer
) -> None:
    """A server that takes the login again is used at once, not a quarter hour later."""
    server.behavior.password = False
    stored = stored_server(server)
    stored["data"] = kept = {k: v for k, v in stored["data"].items() if v is not None}
    entry = frigate_entry(frigate_server.url, subentries=[stored])
    await async_set_up(hass, entry)
    await async_wait(lambda: open_issues(hass), "the repair")
    assert open_issues(hass) == {f"login_refused_{SFTP_ID}"}

    server.behavior.password = True
    flow = await entry.start_subentry_reconfigure_flow(hass, SFTP_ID)
    shown = {k: v for k, v in kept.items() if k not in ("password", "host_key")}
    result = await hass.config_entries.subentries.async_configure(
        flow["flow_id"], {"name": "Off-site server", **shown}
    )
    assert result["reason"] == "reconfigure_successful"
    assert entry.subentries[SFTP_ID].data == kept
    await async_wait(
        shows(hass, "binary_sensor.off_site_server_connection", "on"), "the connection"
    )
    await async_wait(lambda: not open_issues(hass), "the end of the repair")


def _asked(hass: HomeAssistant) -> list[Any]:
    """Return the flows that ask for a login of Frigate."""
    return hass.config_entries.flow.async_progress_by_handler(DOMAIN)


async def _async_asked(hass: HomeAssistant) -> Any:
    """Wait for the one that does."""
    await async_wait(lambda: _asked(hass), "the request")
    await hass.async_block_till_done()
    (flow,) = _asked(hass)
    return flow


async def test_log_in_to_frigate_with_the_real_engine(
    hass: HomeAssistant, serve_frigate: ServeFrigate
) -> None:
    """A refused login asks for another, and with that Frigate is heard."""
    server = await serve_frigate(auth=Auth(users={"viewer": User(password=PASSWORD)}))
    entry = frigate_entry(
        server.url, data={"username": "viewer", "password": "of last year"}
    )
    await async_set_up(hass, entry)

    flow = await _async_asked(hass)
    result = await hass.config_entries.flow.async_configure(
        flow["flow_id"], {"username": "viewer", "password": PASSWORD}
    )
    assert result["reason"] == "reauth_successful"
    await async_wait(
        shows(hass, "binary_sensor.frigate_connection", "on"), "the connection"
    )
    assert not _asked(hass)
    assert open_issues(hass) == {f"no_destination_{ENTRY_ID}"}


async def test_a_frigate_that_answers_is_not_loaded_again(
    hass: HomeAssistant, serve_frigate: ServeFrigate
) -> None:
    """Reconfigure without a change would only cut off what is under way."""
    server = await serve_frigate()
    entry = frigate_entry(server.url)
    await async_set_up(hass, entry)
    await async_wait(
        shows(hass, "binary_sensor.frigate_connection", "on"), "the connection"
    )
    running = entry.runtime_data
    flow = await entry.start_reconfigure_flow(hass)
    result = await hass.config_entries.flow.async_configure(
        flow["flow_id"], {"url": server.url, "verify_ssl": True, "advanced": {}}
    )
    assert result["reason"] == "reconfigure_successful"
    await hass.async_block_till_done()
    assert entry.runtime_data is running


@pytest.mark.parametrize("typed", [PASSWORD, ""])
async def test_frigate_takes_the_stored_login_again(
    hass: HomeAssistant, serve_frigate: ServeFrigate, typed: str
) -> None:
    """It is used at once, and not asked for once more."""
    server = await serve_frigate(auth=Auth(users={}))
    entry = frigate_entry(server.url, data={"username": "viewer", "password": PASSWORD})
    await async_set_up(hass, entry)

    flow = await _async_asked(hass)
    assert server.auth is not None
    server.auth.users["viewer"] = User(password=PASSWORD)
    result = await hass.config_entries.flow.async_configure(
        flow["flow_id"], {"username": "viewer", "password": typed}
    )
    assert result["reason"] == "reauth_successful"
    await async_wait(
        shows(hass, "binary_sensor.frigate_connection", "on"), "the connection"
    )
    await hass.async_block_till_done()
    assert not _asked(hass)


async def test_private_key(
    hass: HomeAssistant, engine: StandInEngine, server: SftpServer, fix: Post
) -> None:
    """Another key takes the old one's passphrase away with it."""
    server.behavior.password = False
    key = asyncssh.generate_private_key("ssh-ed25519")
    stranger = asyncssh.generate_private_key("ssh-ed25519")
    server.behavior.authorized.add(key.public_data)
    stored = stored_server(server, private_key="lost", passphrase="lost too")
    stored["data"] = {k: v for k, v in stored["data"].items() if k != "password"}
    entry = frigate_entry(subentries=[stored])
    await async_set_up(hass, entry)
    engine.show_destination(SFTP_ID, problem=Problem.LOGIN_REFUSED)

    result = await fix(f"login_refused_{SFTP_ID}")
    fields = [field["name"] for field in result["data_schema"]]
    assert fields == ["private_key", "passphrase"]
    text = key.export_private_key("openssh", "new").decode()
    for typed, error in (
        ({"private_key": "no key"}, "invalid_key"),
        ({"private_key": text}, "invalid_key"),
        ({"private_key": text, "passphrase": "wrong"}, "invalid_key"),
        (
            {"private_key": stranger.export_private_key("openssh").decode()},
            "invalid_auth",
        ),
    ):
        result = await fix(result, **typed)
        assert result["errors"] == {"private_key": error}
    result = await fix(result, private_key=text, passphrase="new")
    assert result["type"] == "create_entry"
    data = entry.subentries[SFTP_ID].data
    assert (data["private_key"], data["passphrase"]) == (text, "new")


@pytest.mark.parametrize(
    ("failure", "errors"),
    [
        (AuthFailed("refused"), {"password": "invalid_auth"}),
        (Unreachable("no route"), {"base": "cannot_connect"}),
        (PermissionDenied("read-only"), {"base": "not_writable"}),
    ],
)
async def test_nothing_typed(
    hass: HomeAssistant,
    engine: StandInEngine,
    fix: Post,
    failure: StorageError,
    errors: dict[str, str],
) -> None:
    """What is stored may work again: it is tested by the running engine."""
    entry = frigate_entry(subentries=[sftp_subentry()])
    await async_set_up(hass, entry)
    before = dict(entry.subentries[SFTP_ID].data)
    engine.show_destination(SFTP_ID, problem=Problem.LOGIN_REFUSED)
    result = await fix(f"login_refused_{SFTP_ID}")
    fields = [field["name"] for field in result["data_schema"]]
    assert fields == ["password", "private_key", "passphrase"]

    engine.failure = failure
    result = await fix(result, password="")
    assert result["errors"] == errors
    assert result["description_placeholders"]["reason"] == async_why(hass, failure)
    engine.failure = None
    result = await fix(result)
    assert result["type"] == "create_entry"
    assert engine.calls[-2:] == [("test", SFTP_ID)] * 2
    assert entry.subentries[SFTP_ID].data == before


async def test_our_own_key(
    hass: HomeAssistant, engine: StandInEngine, fix: Post
) -> None:
    """The key that we made is shown to paste it once more."""
    stored = sftp_subentry(public_key="ssh-ed25519 AAAA frigate-snap-sync")
    stored["data"] = {k: v for k, v in stored["data"].items() if k != "password"}
    await async_set_up(hass, frigate_entry(subentries=[stored]))
    engine.show_destination(SFTP_ID, problem=Problem.LOGIN_REFUSED)
    result = await fix(f"login_refused_{SFTP_ID}")
    assert result["step_id"] == "public_key"
    assert {
        field["name"]: field["description"]["suggested_value"]
        for field in result["data_schema"]
    } == {
        "command": "echo 'ssh-ed25519 AAAA frigate-snap-sync'"
        f" | sudo tee -a /etc/ssh/authorized_keys/{stored['data']['username']}",
        "public_key": "ssh-ed25519 AAAA frigate-snap-sync",
    }
    shown = result["description_placeholders"]
    assert shown["public_key"] == "ssh-ed25519 AAAA frigate-snap-sync"

    engine.failure = AuthFailed("refused")
    result = await fix(result)
    assert result["errors"] == {"base": "invalid_auth"}
    engine.failure = None
    result = await fix(result)
    assert result["type"] == "create_entry"
    assert not open_issues(hass)
