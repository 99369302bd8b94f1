"""Logging in to an SFTP server: passwords, keys, and which server it is."""

import logging
from pathlib import Path
from unittest.mock import patch

import asyncssh
import pytest

from custom_components.frigate_snap_sync.storage.errors import (
    AuthFailed,
    HostKeyChanged,
    InvalidKey,
    NoSftp,
    Unusable,
)
from custom_components.frigate_snap_sync.storage.sftp.destination import (
    generate_key_pair,
)
from custom_components.frigate_snap_sync.storage.sftp.login import LoginClient

from ..harness.network import Network
from ..harness.openssh import OpenSshServer
from ..harness.sftp_server import PASSWORD, SftpServer
from ..waiting import until
from .conftest import Connect
from .test_sftp_connection import is_connected


async def test_password(server: SftpServer, connect_to: Connect) -> None:
    """The right password opens, by the simplest way that the server offers."""
    server.behavior.keyboard = "Password: "
    await connect_to(server, password=PASSWORD).connect()
    assert server.behavior.log_ins == 1


@pytest.mark.parametrize("keyboard", [None, "Password: "])
async def test_wrong_password(
    server: SftpServer,
    connect_to: Connect,
    keyboard: str | None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is refused, tried only once, and shown nowhere."""
    caplog.set_level(logging.DEBUG)
    server.behavior.keyboard = keyboard
    with pytest.raises(AuthFailed) as raised:
        await connect_to(server, password="WRONG-SECRET").connect()
    assert server.behavior.log_ins == 1
    assert "WRONG-SECRET" not in str(raised.value)
    assert "WRONG-SECRET" not in caplog.text


@pytest.mark.parametrize("question", ["Password: ", "Kennwort für camera: ", "?"])
async def test_keyboard_interactive(
    server: SftpServer, connect_to: Connect, question: str
) -> None:
    """A server that only asks questions is answered, in any language."""
    server.behavior.password = False
    server.behavior.keyboard = question
    await connect_to(server, password=PASSWORD).connect()


@pytest.mark.parametrize("question", ["", "Password: |Code: "])
async def test_questions_without_an_answer(
    server: SftpServer, connect_to: Connect, question: str
) -> None:
    """A second factor can't be answered; an empty question is no login."""
    server.behavior.password = False
    server.behavior.keyboard = question
    with pytest.raises(AuthFailed):
        await connect_to(server, password=PASSWORD).connect()


async def test_questions_without_a_password(
    server: SftpServer, connect_to: Connect
) -> None:
    """Who has no password answers nothing."""
    server.behavior.keyboard = "Password: "
    with pytest.raises(AuthFailed):
        await connect_to(server).connect()
    assert server.behavior.log_ins == 0


async def test_a_visible_question_gets_no_password(
    server: SftpServer, connect_to: Connect
) -> None:
    """A question whose answer would be shown does not ask for a password."""
    client = LoginClient(password=PASSWORD)
    assert client.kbdint_auth_requested() == ""
    assert client.kbdint_challenge_received("", "", "", [("User: ", True)]) is None
    assert client.kbdint_challenge_received("", "", "", [("P: ", False)]) == [PASSWORD]
    assert client.kbdint_challenge_received("", "", "", [("P: ", False)]) is None


async def test_key(tmp_path: Path, connect_to: Connect) -> None:
    """Our own key pair opens once its public half is on the server."""
    pair = await generate_key_pair("test")
    async with OpenSshServer(tmp_path / "server") as server:
        destination = connect_to(server, private_key=pair.private_key)
        with pytest.raises(AuthFailed):
            await destination.connect()
        server.authorize(pair.public_key)
        await destination.connect()
        server.forbid_all()
        assert await destination.stat("none") is None
        await destination.close()
        with pytest.raises(AuthFailed):
            await destination.connect()


async def test_encrypted_key(server: SftpServer, connect_to: Connect) -> None:
    """A passphrase opens a key; without the right one no server is asked."""
    key = asyncssh.generate_private_key("ssh-ed25519")
    server.behavior.authorized.add(key.public_data)
    text = key.export_private_key("openssh", "open sesame").decode()
    async with Network(server.port) as network:
        for passphrase in (None, "wrong"):
            with pytest.raises(InvalidKey):
                await connect_to(
                    server, port=network.port, private_key=text, passphrase=passphrase
                ).connect()
        assert network.connections == 0
        await connect_to(
            server, port=network.port, private_key=text, passphrase="open sesame"
        ).connect()


async def test_the_machines_own_keys_are_not_used(
    tmp_path: Path, connect_to: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No key, no settings and no agent of the user that we run as."""
    async with OpenSshServer(tmp_path / "server") as server:
        home = tmp_path / "home" / ".ssh"
        home.mkdir(parents=True)
        (home / "id_ed25519").write_text(server.private_key)
        (home / "id_ed25519").chmod(0o600)
        (home / "config").write_text("Host *\n ProxyCommand false\n")
        monkeypatch.setenv("HOME", str(home.parent))
        monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))
        with pytest.raises(AuthFailed):
            await connect_to(server, private_key=None, password="x").connect()
        await connect_to(server).connect()


@pytest.mark.parametrize("kind", ["ed25519", "rsa", "ecdsa"])
async def test_pinned_key(tmp_path: Path, connect_to: Connect, kind: str) -> None:
    """A server with the pinned key is trusted, with each type of key."""
    async with OpenSshServer(tmp_path / "server", key_type=kind) as server:
        await connect_to(server).connect()


async def test_pinned_key_is_one_of_several(
    server: SftpServer, connect_to: Connect
) -> None:
    """A server that got a newer key besides the pinned one stays trusted."""
    await server.stop()
    server.more_keys = [
        asyncssh.generate_private_key(kind)
        for kind in ("ssh-rsa", "ecdsa-sha2-nistp256")
    ]
    await server.start()
    for key in server.more_keys:
        line = " ".join(key.export_public_key().decode().split()[:2])
        await connect_to(server, password=PASSWORD, host_key=line).connect()


@pytest.mark.parametrize("new_kind", ["ed25519", "rsa", "ecdsa"])
async def test_host_key_changed(
    tmp_path: Path, connect_to: Connect, new_kind: str
) -> None:
    """A new key, of the same type or another, stops us before we log in."""
    async with OpenSshServer(tmp_path / "server") as server:
        destination = connect_to(server)
        await destination.connect()
        log_ins = server.log.count("Accepted publickey")
        await server.change_host_key(new_kind)
        await until(lambda: not is_connected(destination))

        for _ in range(2):
            with pytest.raises(HostKeyChanged) as raised:
                await destination.connect()
            assert raised.value.fingerprint == server.fingerprint
            assert server.fingerprint in str(raised.value)
        assert server.log.count("Accepted publickey") == log_ins
        assert "Failed publickey" not in server.log

        await connect_to(server).connect()


async def test_host_key_is_back(tmp_path: Path, connect_to: Connect) -> None:
    """When the pinned key is back, files arrive again."""
    async with (
        OpenSshServer(tmp_path / "right") as right,
        OpenSshServer(tmp_path / "wrong") as wrong,
        Network(wrong.port) as network,
    ):
        destination = connect_to(right, port=network.port)
        with pytest.raises(HostKeyChanged):
            await destination.connect()
        network.target_port = right.port
        await destination.connect()


async def test_no_common_cipher(server: SftpServer, connect_to: Connect) -> None:
    """A server with the pinned key but without a cipher of ours is refused."""
    await server.stop()
    server.options["encryption_algs"] = ["aes256-cbc"]
    await server.start()
    with pytest.raises(NoSftp, match="no usable SFTP"):
        await connect_to(server, password=PASSWORD).connect()


async def test_pinned_key_is_damaged(server: SftpServer, connect_to: Connect) -> None:
    """Without a readable pinned key no connection is made."""
    with pytest.raises(Unusable):
        await connect_to(server, password=PASSWORD, host_key="ssh-rsa x").connect()


async def test_keys_are_read_once(
    server: SftpServer,
    network: Network,
    connect_to: Connect,
) -> None:
    """An encrypted key costs a second: not at every reconnect."""
    key = asyncssh.generate_private_key("ssh-ed25519")
    server.behavior.authorized.add(key.public_data)
    text = key.export_private_key("openssh").decode()
    destination = connect_to(server, private_key=text)
    with patch.object(
        asyncssh, "import_private_key", wraps=asyncssh.import_private_key
    ) as load:
        for _ in range(3):
            await destination.connect()
            await destination.close()
    assert load.call_count == 1
