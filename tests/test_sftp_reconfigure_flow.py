"""The flow that changes an SFTP server."""

from typing import Any

import asyncssh
import pytest

from custom_components.frigate_snap_sync.storage.errors import Unreachable
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType

from .component import SFTP_ID, StandInEngine, async_set_up, frigate_entry
from .harness.sftp_server import PASSWORD, USERNAME, SftpServer
from .test_config_flow import suggested
from .test_sftp_flow import (
    async_start,
    async_submit,
    fields,
    only_subentry,
    server,
    stored_server,
)

__all__ = ["fields", "server"]

pytestmark = pytest.mark.usefixtures("mqtt_client", "engine", "folders")


async def test_reconfigure_keeps_secrets(
    hass: HomeAssistant,
    server: SftpServer,
    fields: dict[str, Any],
    engine: StandInEngine,
) -> None:
    """Secrets are not shown; what is left empty stays. No host key step."""
    entry = frigate_entry(subentries=[stored_server(server)])
    await async_set_up(hass, entry)
    result = await entry.start_subentry_reconfigure_flow(hass, SFTP_ID)
    assert result["step_id"] == "reconfigure"
    shown = suggested(result)
    assert shown == {
        "name": "Off-site server",
        "host": "127.0.0.1",
        "port": server.port,
        "username": USERNAME,
        "path": "/upload",
    }
    assert PASSWORD not in str(result)

    result = await async_submit(
        hass, result, **{**shown, "name": "Cabin", "path": "/other"}
    )
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "reconfigure_successful"
    subentry = only_subentry(hass, entry.entry_id)
    assert subentry.title == "Cabin"
    assert subentry.data["password"] == PASSWORD
    assert subentry.data["host_key"] == server.host_key
    unique_id = f"sftp:{USERNAME}@127.0.0.1:{server.port}/other"
    assert subentry.unique_id == unique_id
    await hass.async_block_till_done()
    assert [setup.name for setup in engine.setups] == ["Cabin"]
    assert ("stop",) not in engine.calls


async def test_reconfigure_password(
    hass: HomeAssistant, server: SftpServer, fields: dict[str, Any]
) -> None:
    """A new password replaces the old one once it has been shown to work."""
    entry = frigate_entry(subentries=[stored_server(server, password="old")])
    await async_set_up(hass, entry)
    result = await entry.start_subentry_reconfigure_flow(hass, SFTP_ID)
    fields["path"] = "/upload"
    result = await async_submit(hass, result, **{**fields, "password": "wrong"})
    assert result["step_id"] == "reconfigure"
    assert result["errors"] == {"password": "invalid_auth"}
    assert only_subentry(hass, entry.entry_id).data["password"] == "old"

    result = await async_submit(hass, result, **fields)
    assert result["reason"] == "reconfigure_successful"
    assert only_subentry(hass, entry.entry_id).data["password"] == PASSWORD


async def test_reconfigure_without_a_change(
    hass: HomeAssistant,
    server: SftpServer,
    fields: dict[str, Any],
    engine: StandInEngine,
) -> None:
    """The running engine tests it, too: it may wait for a next try."""
    entry = frigate_entry(subentries=[stored_server(server)])
    await async_set_up(hass, entry)
    del fields["password"]

    async def reconfigure(name: str) -> int:
        result = await entry.start_subentry_reconfigure_flow(hass, SFTP_ID)
        result = await async_submit(hass, result, **{**fields, "name": name})
        assert result["reason"] == "reconfigure_successful"
        await hass.async_block_till_done(wait_background_tasks=True)
        return engine.calls.count(("test", SFTP_ID))

    assert await reconfigure("Cabin") == 0
    assert await reconfigure("Shed") == 0
    assert await reconfigure("Shed") == 1
    engine.failure = Unreachable("no route")
    assert await reconfigure("Shed") == 2
    engine.failure = None
    await hass.config_entries.async_unload(entry.entry_id)
    assert await reconfigure("Shed") == 2


@pytest.mark.parametrize("change", ["host", "port"])
async def test_a_stored_password_goes_to_no_other_server(
    hass: HomeAssistant, server: SftpServer, fields: dict[str, Any], change: str
) -> None:
    """It is asked for again; until then the new server is not even looked at."""
    elsewhere = {"host": "192.0.2.1"} if change == "host" else {"port": 1}
    entry = frigate_entry(subentries=[stored_server(server, **elsewhere)])
    await async_set_up(hass, entry)
    result = await entry.start_subentry_reconfigure_flow(hass, SFTP_ID)
    password = fields.pop("password")
    result = await async_submit(hass, result, **fields)
    assert result["step_id"] == "reconfigure"
    assert result["errors"] == {"password": "password_missing"}
    assert not server.behavior.log_ins
    result = await async_submit(hass, result, **fields, password=password)
    assert result["step_id"] == "host_key"


async def test_reconfigure_private_key(
    hass: HomeAssistant, server: SftpServer, fields: dict[str, Any]
) -> None:
    """A new key comes with its own passphrase, or none; our own key is forgotten."""
    key = asyncssh.generate_private_key("ssh-ed25519")
    server.behavior.authorized.add(key.public_data)
    server.behavior.password = False
    entry = frigate_entry(
        subentries=[
            stored_server(
                server,
                password=None,
                private_key="old key",
                passphrase="old passphrase",
                public_key="ssh-ed25519 AAAA old",
            )
        ]
    )
    await async_set_up(hass, entry)
    result = await entry.start_subentry_reconfigure_flow(hass, SFTP_ID)
    del fields["password"]
    text = key.export_private_key("openssh").decode()
    result = await async_submit(hass, result, **fields, private_key=text)
    assert result["reason"] == "reconfigure_successful"
    data = only_subentry(hass, entry.entry_id).data
    assert data["private_key"] == text
    assert not {"passphrase", "public_key", "password"} & set(data)


async def test_reconfigure_other_server(
    hass: HomeAssistant, server: SftpServer, fields: dict[str, Any]
) -> None:
    """A new server shows its host key, and our public key is to be pasted there."""
    key = asyncssh.generate_private_key("ssh-ed25519")
    line = key.export_public_key("openssh").decode().strip()
    server.behavior.authorized.add(key.public_data)
    server.behavior.password = False
    entry = frigate_entry(
        subentries=[
            stored_server(
                server,
                port=1,
                password=None,
                private_key=key.export_private_key("openssh").decode(),
                public_key=line,
                host_key="ssh-ed25519 AAAA old",
            )
        ]
    )
    await async_set_up(hass, entry)
    result = await entry.start_subentry_reconfigure_flow(hass, SFTP_ID)
    del fields["password"]
    result = await async_submit(hass, result, **fields)
    assert result["step_id"] == "host_key"
    result = await async_submit(hass, result)
    assert result["step_id"] == "public_key"
    assert result["description_placeholders"]["public_key"] == line
    result = await async_submit(hass, result)
    assert result["reason"] == "reconfigure_successful"
    data = only_subentry(hass, entry.entry_id).data
    assert data["host_key"] == server.host_key
    assert data["public_key"] == line

    # The same server again: nothing to paste, nothing to confirm.
    result = await entry.start_subentry_reconfigure_flow(hass, SFTP_ID)
    result = await async_submit(hass, result, **{**fields, "path": "/elsewhere"})
    assert result["reason"] == "reconfigure_successful"


async def test_reconfigure_host_key_changed(
    hass: HomeAssistant, server: SftpServer, fields: dict[str, Any]
) -> None:
    """A changed host key is an error first, and then may be looked at."""
    other = asyncssh.generate_private_key("ssh-ed25519")
    pinned = " ".join(other.export_public_key().decode().split()[:2])
    entry = frigate_entry(subentries=[stored_server(server, host_key=pinned)])
    await async_set_up(hass, entry)
    result = await entry.start_subentry_reconfigure_flow(hass, SFTP_ID)
    result = await async_submit(hass, result, **fields)
    assert result["step_id"] == "reconfigure"
    assert result["errors"] == {"host": "host_key_changed"}
    assert server.behavior.log_ins == 0

    result = await async_submit(hass, result, **fields)
    assert result["step_id"] == "host_key"
    result = await async_submit(hass, result)
    assert result["reason"] == "reconfigure_successful"
    data = only_subentry(hass, entry.entry_id).data
    assert data["host_key"] == server.host_key


async def test_steps_shown_again(
    hass: HomeAssistant, server: SftpServer, fields: dict[str, Any]
) -> None:
    """A step without input only shows itself."""
    del fields["password"]
    server.behavior.authorized.add(b"of another user")
    entry = frigate_entry()
    await async_set_up(hass, entry)
    result = await async_start(hass, entry.entry_id)
    result = await async_submit(hass, result, **fields)
    again = await hass.config_entries.subentries.async_configure(result["flow_id"])
    assert again["step_id"] == "host_key"
    assert again["description_placeholders"] == result["description_placeholders"]
    result = await async_submit(hass, again)
    again = await hass.config_entries.subentries.async_configure(result["flow_id"])
    assert again["step_id"] == "public_key"
    assert again["description_placeholders"] == result["description_placeholders"]


@pytest.mark.parametrize(
    "lost",
    [
        {"host_key": ...},
        {"host_key": 5},
        {"host_key": "ssh-ed25519 AAAA"},
        {"private_key": 5},
        {"username": ...},
        {"path": ...},
    ],
    ids=str,
)
async def test_data_that_lack_something(
    hass: HomeAssistant,
    server: SftpServer,
    fields: dict[str, Any],
    engine: StandInEngine,
    lost: dict[str, Any],
) -> None:
    """A key that is not known is shown and confirmed; the password stays."""
    stored = stored_server(server)
    data = {**stored["data"], **lost}
    stored["data"] = {key: value for key, value in data.items() if value is not ...}
    entry = frigate_entry(subentries=[stored])
    await async_set_up(hass, entry)
    del fields["password"]
    result = await entry.start_subentry_reconfigure_flow(hass, SFTP_ID)
    result = await async_submit(hass, result, **fields)
    if "host_key" in lost:
        assert result["step_id"] == "host_key"
        assert server.behavior.log_ins == 0
        result = await async_submit(hass, result)
    assert result["reason"] == "reconfigure_successful"
    data = dict(only_subentry(hass, entry.entry_id).data)
    assert (data["host_key"], data["password"]) == (server.host_key, PASSWORD)
    await hass.async_block_till_done()
    (setup,) = engine.setups
    await setup.destination.connect()
    await setup.destination.close()


@pytest.mark.parametrize("lost", ["host", "port"])
async def test_data_that_lack_the_server(
    hass: HomeAssistant, server: SftpServer, fields: dict[str, Any], lost: str
) -> None:
    """The stored password may be another server's."""
    stored = stored_server(server)
    stored["data"] = {k: v for k, v in stored["data"].items() if k != lost}
    entry = frigate_entry(subentries=[stored])
    await async_set_up(hass, entry)
    password = fields.pop("password")
    result = await entry.start_subentry_reconfigure_flow(hass, SFTP_ID)
    for host in ("127.0.0.1", "none"):
        result = await async_submit(hass, result, **{**fields, "host": host})
        assert result["errors"] == {"password": "password_missing"}
    result = await async_submit(hass, result, **fields, password=password)
    assert result["step_id"] == "host_key"
    result = await async_submit(hass, result)
    assert result["reason"] == "reconfigure_successful"
