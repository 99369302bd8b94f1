"""The flow of an SFTP server, against a real one in this process."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from custom_components.frigate_snap_sync.flows.kinds import FLOWS
from custom_components.frigate_snap_sync.flows.sftp import SftpFlow
from homeassistant.config_entries import SOURCE_USER, ConfigSubentry
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType

from .component import (
    GROWING_SELECTION,
    STORING,
    StandInEngine,
    async_set_up,
    frigate_entry,
    sftp_subentry,
)
from .harness.sftp_server import PASSWORD, USERNAME, SftpServer
from .test_config_flow import suggested

pytestmark = pytest.mark.usefixtures("mqtt_client", "engine", "folders")


@pytest.fixture
async def server(
    socket_enabled: None, hass: HomeAssistant, tmp_path: Path
) -> AsyncIterator[SftpServer]:
    """Run an SFTP server that takes a password."""
    async with SftpServer(tmp_path / "server") as running:
        yield running


@pytest.fixture
def fields(server: SftpServer) -> dict[str, Any]:
    """Return what to type for the server."""
    return {
        "name": "Off-site server",
        "host": "127.0.0.1",
        "port": server.port,
        "username": USERNAME,
        "password": PASSWORD,
        "path": "/upload/frigate",
    }


async def async_start(hass: HomeAssistant, entry_id: str) -> Any:
    """Open the form."""
    return await hass.config_entries.subentries.async_init(
        (entry_id, "sftp"), context={"source": SOURCE_USER}
    )


async def async_submit(hass: HomeAssistant, result: Any, **fields: Any) -> Any:
    """Fill in a form."""
    return await hass.config_entries.subentries.async_configure(
        result["flow_id"], fields
    )


def only_subentry(hass: HomeAssistant, entry_id: str) -> ConfigSubentry:
    """Return the entry's one destination."""
    entry = hass.config_entries.async_get_known_entry(entry_id)
    (subentry,) = entry.subentries.values()
    return subentry


def stored_server(server: SftpServer, **changes: Any) -> Any:
    """Return the server as a destination that is set up already."""
    return sftp_subentry(
        **{
            "host": "127.0.0.1",
            "port": server.port,
            "username": USERNAME,
            "password": PASSWORD,
            "private_key": None,
            "passphrase": None,
            "path": "/upload",
            "host_key": server.host_key,
            **changes,
        }
    )


async def test_user_password(
    hass: HomeAssistant,
    server: SftpServer,
    fields: dict[str, Any],
    engine: StandInEngine,
) -> None:
    """The host key is shown and confirmed before anything is sent."""
    entry = frigate_entry()
    await async_set_up(hass, entry)
    result = await async_start(hass, entry.entry_id)
    assert result["type"] is FlowResultType.FORM
    assert result["step_id"] == "user"

    result = await async_submit(hass, result, **{**fields, "host": " 127.0.0.1 "})
    assert result["step_id"] == "host_key"
    assert result["data_schema"].schema == {}
    assert result["description_placeholders"] == {
        "host": "127.0.0.1",
        "algorithm": "ssh-ed25519",
        "fingerprint": server.key.get_fingerprint(),
    }
    assert server.behavior.log_ins == 0

    result = await async_submit(hass, result)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["title"] == "Off-site server"
    unique_id = f"sftp:{USERNAME}@127.0.0.1:{server.port}/upload/frigate"
    assert result["unique_id"] == unique_id
    subentry = only_subentry(hass, entry.entry_id)
    assert subentry.data == {
        "host": "127.0.0.1",
        "port": server.port,
        "username": USERNAME,
        "password": PASSWORD,
        "path": "/upload/frigate",
        "host_key": server.host_key,
        "selection": GROWING_SELECTION,
        "storing": STORING,
    }
    assert (server.root / "upload" / "frigate").is_dir()
    assert not [path for path in server.root.rglob("*") if path.is_file()]
    await hass.async_block_till_done()
    assert [setup.name for setup in engine.setups] == ["Off-site server"]


@pytest.mark.parametrize("passphrase", [None, "of the key"])
async def test_user_private_key(
    hass: HomeAssistant,
    server: SftpServer,
    fields: dict[str, Any],
    passphrase: str | None,
) -> None:
    """A key of the owner's; a wrong text or passphrase is noticed at once."""
    key = asyncssh.generate_private_key("ssh-ed25519")
    server.behavior.password = False
    server.behavior.authorized.add(key.public_data)
    text = key.export_private_key("openssh", passphrase).decode()
    del fields["password"]
    wrong = {"private_key": "no key", "passphrase": passphrase or ""}
    right = {"private_key": text, "passphrase": passphrase or ""}

    entry = frigate_entry()
    await async_set_up(hass, entry)
    result = await async_start(hass, entry.entry_id)
    result = await async_submit(hass, result, **fields, **wrong)
    assert result["errors"] == {"private_key": "invalid_key"}
    # What was typed in this very form is not lost.
    assert suggested(result).items() >= {**fields, **wrong}.items()

    result = await async_submit(hass, result, **fields, **right)
    assert result["step_id"] == "host_key"
    result = await async_submit(hass, result)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    data = only_subentry(hass, entry.entry_id).data
    assert data["private_key"] == text
    assert data.get("passphrase") == passphrase
    assert "password" not in data
    assert "public_key" not in data


async def test_user_wrong_passphrase(
    hass: HomeAssistant, fields: dict[str, Any]
) -> None:
    """The key can't be opened."""
    key = asyncssh.generate_private_key("ssh-ed25519")
    text = key.export_private_key("openssh", "right").decode()
    entry = frigate_entry()
    await async_set_up(hass, entry)
    result = await async_start(hass, entry.entry_id)
    result = await async_submit(
        hass, result, **fields, private_key=text, passphrase="wrong"
    )
    assert result["errors"] == {"private_key": "invalid_key"}
    result = await async_submit(
        hass, result, **fields, private_key=text, passphrase="right"
    )
    assert result["step_id"] == "host_key"
    result = await async_submit(hass, result)
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_user_own_key(
    hass: HomeAssistant, server: SftpServer, fields: dict[str, Any]
) -> None:
    """Without key and password a pair is made; its public half is shown to paste."""
    server.behavior.password = False
    server.behavior.authorized.add(b"of another owner")
    del fields["password"]
    entry = frigate_entry()
    await async_set_up(hass, entry)
    result = await async_start(hass, entry.entry_id)
    result = await async_submit(hass, result, **{**fields, "username": "misspelled"})
    assert result["step_id"] == "host_key"
    result = await async_submit(hass, result)
    assert result["step_id"] == "public_key"
    assert not result["errors"]
    line = result["description_placeholders"]["public_key"]
    # To be copied: in a text nothing long can be selected on a phone.
    assert suggested(result) == {
        "command": f"echo '{line}' | sudo tee -a /etc/ssh/authorized_keys/misspelled",
        "public_key": line,
    }
    assert line.startswith("ssh-ed25519 ")
    public = asyncssh.import_public_key(line)

    # Not pasted yet: the same key stays.
    result = await async_submit(hass, result)
    assert result["step_id"] == "public_key"
    assert result["errors"] == {"base": "invalid_auth"}
    assert result["description_placeholders"]["public_key"] == line
    assert list(result["data_schema"].schema) == ["command", "public_key", "username"]

    # Pasted, and the user name mended.
    server.behavior.authorized.add(public.public_data)
    result = await async_submit(hass, result, username="two\nlines")
    assert result["errors"] == {"username": "invalid_username"}
    result = await async_submit(hass, result, username=f"{USERNAME}\n")
    assert result["type"] is FlowResultType.CREATE_ENTRY
    subentry = only_subentry(hass, entry.entry_id)
    assert subentry.data["username"] == USERNAME
    assert subentry.unique_id == (
        f"sftp:{USERNAME}@127.0.0.1:{server.port}/upload/frigate"
    )
    assert subentry.data["public_key"] == line
    private = asyncssh.import_private_key(subentry.data["private_key"])
    assert private.public_data == public.public_data


async def test_user_name_that_is_markdown(
    hass: HomeAssistant, server: SftpServer, fields: dict[str, Any]
) -> None:
    """It is shown as it was typed (check_flow_texts looks)."""
    del fields["password"]
    entry = frigate_entry()
    await async_set_up(hass, entry)
    result = await async_start(hass, entry.entry_id)
    typed = {**fields, "username": "**root** [x](https://evil.example)"}
    result = await async_submit(hass, result, **typed)
    result = await async_submit(hass, result)
    assert result["step_id"] == "public_key"
    shown = result["description_placeholders"]["username"]
    assert shown == r"\*\*root\*\* \[x\]\(https\://evil.example\)"
    # The shell sees one word.
    assert suggested(result)["command"].endswith(
        " -a '/etc/ssh/authorized_keys/**root** [x](https://evil.example)'"
    )


async def test_user_own_key_then_something_else(
    hass: HomeAssistant, server: SftpServer, fields: dict[str, Any]
) -> None:
    """A failure at another field leads back to the form; the pair stays the same.

    It is not to be pasted again where the server has taken it, but for another user.
    """
    server.behavior.password = False
    server.behavior.authorized.add(b"of another owner")
    del fields["password"]
    entry = frigate_entry()
    await async_set_up(hass, entry)
    result = await async_start(hass, entry.entry_id)
    result = await async_submit(hass, result, **fields)
    result = await async_submit(hass, result)
    line = result["description_placeholders"]["public_key"]
    server.behavior.authorized.add(asyncssh.import_public_key(line).public_data)
    server.behavior.denied = True
    result = await async_submit(hass, result)
    assert result["step_id"] == "user"
    assert result["errors"] == {"path": "path_not_found"}
    assert "private_key" not in suggested(result)

    result = await async_submit(hass, result, **{**fields, "username": "misspelled"})
    assert result["step_id"] == "public_key"
    assert result["description_placeholders"]["public_key"] == line
    result = await async_submit(hass, result)
    assert result["step_id"] == "public_key"
    assert result["errors"] == {"base": "invalid_auth"}
    # The host key is known by now, and so is that the server takes ours.
    result = await async_submit(hass, result, username=USERNAME)
    assert result["errors"] == {"path": "path_not_found"}
    server.behavior.denied = False
    result = await async_submit(hass, result, **fields)
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_user_own_key_that_is_no_longer_taken(
    hass: HomeAssistant, server: SftpServer, fields: dict[str, Any]
) -> None:
    """It is shown again when the server refuses it after all, and before it took it."""
    server.behavior.password = False
    server.behavior.authorized.add(b"of another owner")
    del fields["password"]
    entry = frigate_entry()
    await async_set_up(hass, entry)
    result = await async_start(hass, entry.entry_id)
    result = await async_submit(hass, result, **fields)
    result = await async_submit(hass, result)
    line = result["description_placeholders"]["public_key"]
    key = asyncssh.import_public_key(line).public_data
    await server.stop()
    result = await async_submit(hass, result)
    assert result["errors"] == {"host": "cannot_connect"}
    await server.start()
    result = await async_submit(hass, result, **fields)
    assert result["step_id"] == "public_key"
    server.behavior.authorized.add(key)
    server.behavior.denied = True
    result = await async_submit(hass, result)
    assert result["errors"] == {"path": "path_not_found"}
    server.behavior.authorized.discard(key)
    result = await async_submit(hass, result, **fields)
    assert result["step_id"] == "public_key"
    assert result["errors"] == {"base": "invalid_auth"}
    server.behavior.authorized.add(key)
    server.behavior.denied = False
    result = await async_submit(hass, result)
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_user_own_key_of_a_known_place(
    hass: HomeAssistant, server: SftpServer, fields: dict[str, Any]
) -> None:
    """The mended user name may turn out to be that of another destination."""
    server.behavior.password = False
    server.behavior.authorized.add(b"of another owner")
    del fields["password"]
    entry = frigate_entry(subentries=[stored_server(server, path="/upload/frigate")])
    await async_set_up(hass, entry)
    result = await async_start(hass, entry.entry_id)
    result = await async_submit(hass, result, **{**fields, "username": "misspelled"})
    result = await async_submit(hass, result)
    result = await async_submit(hass, result)
    assert result["errors"] == {"base": "invalid_auth"}
    result = await async_submit(hass, result, username=USERNAME)
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "already_configured"


@pytest.mark.parametrize(
    ("change", "field", "error"),
    [
        ({"path": "upload"}, "path", "path_not_absolute"),
        ({"name": ""}, "name", "name_missing"),
        ({"port": 1}, "host", "cannot_connect"),
        ({"port": 22.5}, "port", "whole_number"),
        ({"username": "a\tb"}, "username", "invalid_username"),
        ({"selection": {"media": []}}, "selection", "media_missing"),
    ],
)
async def test_user_mistakes(
    hass: HomeAssistant,
    fields: dict[str, Any],
    change: dict[str, Any],
    field: str,
    error: str,
) -> None:
    """Each mistake has its name and place; the form keeps what was typed."""
    entry = frigate_entry()
    await async_set_up(hass, entry)
    typed = {**fields, **change}
    result = await async_start(hass, entry.entry_id)
    result = await async_submit(hass, result, **typed)
    assert result["type"] is FlowResultType.FORM
    assert result["errors"] == {field: error}
    typed.pop("selection", None)
    assert suggested(result) == typed

    result = await async_submit(hass, result, **fields)
    assert result["step_id"] == "host_key"
    result = await async_submit(hass, result)
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_user_not_even_ssh(
    hass: HomeAssistant, frigate_server: Any, fields: dict[str, Any]
) -> None:
    """A web server answers at that port."""
    entry = frigate_entry()
    await async_set_up(hass, entry)
    result = await async_start(hass, entry.entry_id)
    result = await async_submit(hass, result, **{**fields, "port": frigate_server.port})
    assert result["errors"] == {"host": "cannot_connect"}

    result = await async_submit(hass, result, **fields)
    result = await async_submit(hass, result)
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_user_timeout(
    hass: HomeAssistant, fields: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server takes the connection and says nothing."""

    class HastyFlow(SftpFlow):
        """Waits for no server."""

        fetch_timeout = 0.1

    entry = frigate_entry()
    await async_set_up(hass, entry)
    with monkeypatch.context() as hasty:
        hasty.setitem(FLOWS, "sftp", HastyFlow)
        start = await async_start(hass, entry.entry_id)
    connections: list[asyncio.StreamWriter] = []
    async with await asyncio.start_server(
        lambda _, writer: connections.append(writer), "127.0.0.1", 0
    ) as silent:
        port = silent.sockets[0].getsockname()[1]
        result = await async_submit(hass, start, **{**fields, "port": port})
        silent.close_clients()
    assert result["errors"] == {"host": "timeout_connect"}
    HastyFlow.fetch_timeout = SftpFlow.fetch_timeout

    result = await async_submit(hass, result, **fields)
    result = await async_submit(hass, result)
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_user_wrong_password(
    hass: HomeAssistant, server: SftpServer, fields: dict[str, Any]
) -> None:
    """The server refuses; the confirmed host key is not asked for again."""
    entry = frigate_entry()
    await async_set_up(hass, entry)
    result = await async_start(hass, entry.entry_id)
    result = await async_submit(hass, result, **{**fields, "password": "wrong"})
    result = await async_submit(hass, result)
    assert result["step_id"] == "user"
    assert result["errors"] == {"password": "invalid_auth"}
    assert "wrong" not in result["description_placeholders"]["reason"].split()

    result = await async_submit(hass, result, **fields)
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_user_wrong_password_that_is_only_hung_up_on(
    hass: HomeAssistant, server: SftpServer, fields: dict[str, Any]
) -> None:
    """The form tries a second time, and knows then."""
    server.behavior.hanging_up = True
    entry = frigate_entry()
    await async_set_up(hass, entry)
    result = await async_start(hass, entry.entry_id)
    result = await async_submit(hass, result, **{**fields, "password": "wrong"})
    result = await async_submit(hass, result)
    assert result["errors"] == {"password": "invalid_auth"}
    assert "hangs up on every login" in result["description_placeholders"]["reason"]
    assert server.behavior.log_ins == 2

    result = await async_submit(hass, result, **fields)
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_user_ftp_port(hass: HomeAssistant, fields: dict[str, Any]) -> None:
    """FTP is not SFTP, and says so at once."""

    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 (vsFTPd 3.0.5)\r\n")
        await writer.drain()

    entry = frigate_entry()
    await async_set_up(hass, entry)
    result = await async_start(hass, entry.entry_id)
    async with await asyncio.start_server(greet, "127.0.0.1", 0) as listener:
        port = listener.sockets[0].getsockname()[1]
        result = await async_submit(hass, result, **{**fields, "port": port})
        listener.close_clients()
    assert result["errors"] == {"host": "no_sftp"}
    reason = result["description_placeholders"]["reason"]
    assert "FTP is not SFTP" in reason
    assert "vsFTPd 3.0.5" in reason


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n", "PuTTYgen"),
        ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI me@home", "the private one is needed"),
    ],
)
async def test_user_key_that_is_none(
    hass: HomeAssistant, fields: dict[str, Any], text: str, words: str
) -> None:
    """What was pasted instead is named."""
    entry = frigate_entry()
    await async_set_up(hass, entry)
    result = await async_start(hass, entry.entry_id)
    result = await async_submit(hass, result, **{**fields, "private_key": text})
    assert result["errors"] == {"private_key": "invalid_key"}
    assert words in result["description_placeholders"]["reason"]


async def test_user_refused_key(
    hass: HomeAssistant, server: SftpServer, fields: dict[str, Any]
) -> None:
    """The owner's key is good, but not for this server or user."""
    key = asyncssh.generate_private_key("ssh-ed25519")
    server.behavior.authorized.add(b"of another owner")
    server.behavior.password = False
    del fields["password"]
    fields["private_key"] = key.export_private_key("openssh").decode()
    entry = frigate_entry()
    await async_set_up(hass, entry)
    result = await async_start(hass, entry.entry_id)
    result = await async_submit(hass, result, **fields)
    result = await async_submit(hass, result)
    assert result["step_id"] == "user"
    assert result["errors"] == {"username": "invalid_auth"}

    server.behavior.authorized.add(key.public_data)
    result = await async_submit(hass, result, **fields)
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_user_test_fails(
    hass: HomeAssistant, server: SftpServer, fields: dict[str, Any]
) -> None:
    """The server lets us in, but nothing can be written."""
    entry = frigate_entry()
    await async_set_up(hass, entry)
    result = await async_start(hass, entry.entry_id)
    result = await async_submit(hass, result, **fields)
    server.behavior.denied = True
    result = await async_submit(hass, result)
    assert result["step_id"] == "user"
    assert result["errors"] == {"path": "path_not_found"}

    server.behavior.denied = False
    server.behavior.failing["write"] = asyncssh.SFTPFailure("No space left on device")
    result = await async_submit(hass, result, **fields)
    del server.behavior.failing["write"]
    assert result["errors"] == {"path": "no_space"}

    result = await async_submit(hass, result, **fields)
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_user_host_key_changes_meanwhile(
    hass: HomeAssistant, server: SftpServer, fields: dict[str, Any]
) -> None:
    """Another server answers at the login than the one that was confirmed."""
    entry = frigate_entry()
    await async_set_up(hass, entry)
    result = await async_start(hass, entry.entry_id)
    result = await async_submit(hass, result, **fields)
    assert result["step_id"] == "host_key"
    await server.stop()
    server.key = asyncssh.generate_private_key("ssh-ed25519")
    await server.start()
    result = await async_submit(hass, result)
    assert result["step_id"] == "user"
    assert result["errors"] == {"host": "host_key_changed"}
    assert server.behavior.log_ins == 0

    # Whoever goes on sees the new key first.
    result = await async_submit(hass, result, **fields)
    assert result["step_id"] == "host_key"
    shown = result["description_placeholders"]["fingerprint"]
    assert shown == server.key.get_fingerprint()
    result = await async_submit(hass, result)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    data = only_subentry(hass, entry.entry_id).data
    assert data["host_key"] == server.host_key


async def test_user_twice(
    hass: HomeAssistant, server: SftpServer, fields: dict[str, Any]
) -> None:
    """One destination per user, server and folder."""
    entry = frigate_entry(subentries=[stored_server(server, path="/upload/frigate")])
    await async_set_up(hass, entry)
    result = await async_start(hass, entry.entry_id)
    result = await async_submit(
        hass, result, **{**fields, "path": "//upload/x/../frigate/"}
    )
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "already_configured"
