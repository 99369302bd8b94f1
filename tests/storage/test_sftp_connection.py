"""Connecting and logging in: who is trusted, what is told, how long is waited."""

import asyncio
import logging
from pathlib import Path
from typing import Any
from unittest.mock import patch

import asyncssh
import pytest

from custom_components.frigate_snap_sync.storage.errors import (
    AuthFailed,
    ConnectTimeout,
    HostKeyChanged,
    InvalidKey,
    NoSftp,
    StorageError,
    Unreachable,
)
from custom_components.frigate_snap_sync.storage.sftp.destination import (
    SftpDestination,
    SftpSettings,
    generate_key_pair,
)
from custom_components.frigate_snap_sync.storage.sftp.login import LoginClient
from custom_components.frigate_snap_sync.storage.source import FileSource

from ..harness.network import HOST, Network
from ..harness.openssh import OpenSshServer
from ..harness.sftp_server import PASSWORD, SftpServer
from ..waiting import promptly, until
from .conftest import Connect


def is_connected(destination: SftpDestination) -> bool:
    """Tell whether the destination believes that its connection lives."""
    session = destination._connection._session  # noqa: SLF001
    return session is not None and session.usable


def test_secrets_are_not_shown() -> None:
    """A log of the settings tells no secret."""
    settings = SftpSettings(
        host="nas",
        username="u",
        password="SECRET-1",
        private_key="SECRET-2",
        passphrase="SECRET-3",
        path="/",
        host_key="ssh-ed25519 AAAA",
    )
    assert "SECRET" not in repr(settings)
    assert "SECRET" not in str(settings)


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
    """It is refused, told once alone, and shown nowhere."""
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
    """A passphrase opens a key; without the right one nobody is asked."""
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
    """When the pinned key is back, work goes on."""
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
    """Without a readable pinned key nobody is connected to."""
    with pytest.raises(InvalidKey):
        await connect_to(server, password=PASSWORD, host_key="ssh-rsa x").connect()


async def test_ciphers(server: SftpServer, connect_to: Connect) -> None:
    """AES-GCM is what two modern sides agree on, and nothing is compressed."""
    await connect_to(server, password=PASSWORD).connect()
    connection = next(iter(server.connections))
    assert connection.get_extra_info("recv_cipher") == "aes128-gcm@openssh.com"
    assert connection.get_extra_info("recv_compression") == "none"


async def test_nobody_listens(server: SftpServer, connect_to: Connect) -> None:
    """A closed port is unreachable, until it is opened."""
    destination = connect_to(server, password=PASSWORD)
    await server.stop()
    with pytest.raises(Unreachable, match="refused"):
        await destination.connect()
    await server.start()
    await destination.connect()


async def test_silence(connect_to: Connect) -> None:
    """A server that takes the connection and says nothing is not waited for."""
    writers: list[asyncio.StreamWriter] = []

    async def silent(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)

    listener = await asyncio.start_server(silent, HOST, 0)
    pair = await generate_key_pair("x")
    destination = connect_to(
        port=listener.sockets[0].getsockname()[1],
        username="u",
        password="p",
        host_key=pair.public_key,
        limits={"connect_timeout": 0.3},
    )
    async with promptly():
        with pytest.raises(ConnectTimeout):
            await destination.connect()
    listener.close()
    for writer in writers:
        writer.close()


@pytest.mark.parametrize(
    "settings",
    [{"port": 70000}, {"username": "\u0221\u0378"}, {"username": ""}],
    ids=str,
)
async def test_settings_that_are_nonsense(
    server: SftpServer, connect_to: Connect, settings: dict[str, Any]
) -> None:
    """They are told as StorageError like all else."""
    with pytest.raises(StorageError) as raised:
        await connect_to(server, password=PASSWORD, **settings).connect()
    assert PASSWORD not in str(raised.value)


async def test_no_sftp(tmp_path: Path, connect_to: Connect) -> None:
    """A server that lets us in, but has no SFTP for us."""

    def refuse(channel: asyncssh.SSHServerChannel[bytes]) -> None:
        channel.write(b"This account is currently not available.\r\n")
        channel.exit(1)

    for session in (None, refuse):
        async with SftpServer(tmp_path, session=session) as server:
            if session is None:
                await server.stop()
                server.has_sftp = False
                await server.start()
            with pytest.raises((NoSftp, Unreachable), match="SFTP"):
                await connect_to(server, password=PASSWORD).connect()


async def test_sftp_never_starts(tmp_path: Path, connect_to: Connect) -> None:
    """The SFTP channel gets no longer than the login."""
    async with SftpServer(tmp_path, session=lambda _: None) as server:
        with pytest.raises(ConnectTimeout):
            await connect_to(
                server, password=PASSWORD, limits={"connect_timeout": 0.5}
            ).connect()


async def test_cancelled_while_sftp_starts(tmp_path: Path, connect_to: Connect) -> None:
    """Nothing is left of an attempt that nobody wants any more."""
    begun = asyncio.Event()
    async with SftpServer(tmp_path, session=lambda _: begun.set()) as server:
        task = asyncio.create_task(connect_to(server, password=PASSWORD).connect())
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with promptly():
            for connection in list(server.connections):
                await connection.wait_closed()


@pytest.mark.parametrize(
    "answer",
    [
        b"\x00\x00\x00\x05\x02\x00\x00\x00\x03" + b"\x00\x00\x00\x02\x65\x00" * 20,
        b"\x00\x00\x00\x05\x02\x00\x00\x00\x63",
        b"\x00\x00\x00\x01\x02",
        b"\x00\x00\x00\x00",
        b"\xff" * 100,
    ],
)
async def test_nonsense_instead_of_sftp(
    tmp_path: Path, connect_to: Connect, answer: bytes
) -> None:
    """Whatever a server says instead of SFTP, it is told as StorageError."""

    def talk(channel: asyncssh.SSHServerChannel[bytes]) -> None:
        channel.write(answer)

    async with SftpServer(tmp_path, session=talk) as server:
        destination = connect_to(
            server,
            password=PASSWORD,
            limits={"connect_timeout": 0.5, "idle_timeout": 0.5},
        )
        with pytest.raises(StorageError):
            await destination.stat("file")


async def test_connection_ends_while_sftp_starts(
    tmp_path: Path, connect_to: Connect
) -> None:
    """A connection that breaks there is one that breaks."""
    async with SftpServer(
        tmp_path, session=lambda channel: channel.get_connection().abort()
    ) as server:
        with pytest.raises(Unreachable):
            await connect_to(server, password=PASSWORD).connect()


async def test_one_log_in_for_all(
    server: SftpServer, network: Network, connect_to: Connect
) -> None:
    """Whoever comes at the same time shares one connection."""
    destination = connect_to(server, port=network.port, password=PASSWORD)
    await asyncio.gather(*(destination.stat(str(n)) for n in range(20)))
    await destination.stat("again")
    assert network.connections == 1
    assert server.behavior.log_ins == 1


async def test_one_failure_for_all(
    server: SftpServer, network: Network, connect_to: Connect
) -> None:
    """A failed login is not repeated by everybody who waited for it."""
    destination = connect_to(server, port=network.port, password="wrong")
    results = await asyncio.gather(
        *(destination.stat(str(n)) for n in range(20)), return_exceptions=True
    )
    assert all(isinstance(result, AuthFailed) for result in results)
    assert network.connections == server.behavior.log_ins == 1
    with pytest.raises(AuthFailed):
        await destination.stat("again")
    assert network.connections == 2


async def test_cancelled_waiters(
    server: SftpServer, network: Network, connect_to: Connect
) -> None:
    """One who goes takes nothing from the others; the last one ends the attempt."""
    behavior = server.behavior
    behavior.holding = "log_in"
    destination = connect_to(server, port=network.port, password=PASSWORD)
    first, second = (asyncio.create_task(destination.connect()) for _ in range(2))
    await until(lambda: behavior.log_ins == 1)
    first.cancel()
    await asyncio.wait({first})
    behavior.held.set()
    await second
    assert first.cancelled()
    assert network.connections == 1

    await destination.close()
    behavior.held.clear()
    tasks = [asyncio.create_task(destination.connect()) for _ in range(3)]
    await until(lambda: behavior.log_ins == 2)
    for task in tasks:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(result, asyncio.CancelledError) for result in results)
    behavior.held.set()
    await destination.connect()
    assert network.connections == 3


async def test_close_while_connecting(connect_to: Connect) -> None:
    """Who waits for the login gets to know at once."""
    writers: list[asyncio.StreamWriter] = []

    async def silent(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)

    listener = await asyncio.start_server(silent, HOST, 0)
    pair = await generate_key_pair("x")
    destination = connect_to(
        port=listener.sockets[0].getsockname()[1],
        username="u",
        host_key=pair.public_key,
    )
    waiting = asyncio.create_task(destination.connect())
    await until(lambda: writers)
    async with promptly():
        await destination.close()
        with pytest.raises(Unreachable, match="closed"):
            await waiting
    listener.close()
    for writer in writers:
        writer.close()


async def test_reconnect(
    server: SftpServer, network: Network, connect_to: Connect
) -> None:
    """A connection that was lost while idle is made anew, unnoticed."""
    destination = connect_to(server, port=network.port, password=PASSWORD)
    for connections in (1, 2, 3):
        await destination.connect()
        assert network.connections == connections
        network.cut()
        await until(lambda: not is_connected(destination))


async def test_channel_ends_alone(
    server: SftpServer, network: Network, connect_to: Connect
) -> None:
    """An SFTP process that dies on a living connection is noticed, too."""
    destination = connect_to(server, port=network.port, password=PASSWORD)
    await destination.connect()
    server.behavior.channels[-1].close()
    await until(lambda: not is_connected(destination))
    assert await destination.stat("none") is None
    assert network.connections == 2


async def test_server_is_suspended(tmp_path: Path, connect_to: Connect) -> None:
    """A server that goes silent is given up in time, and used when it is back."""
    async with OpenSshServer(tmp_path / "server") as server:
        destination = connect_to(server, limits={"idle_timeout": 2})
        await destination.connect()
        await server.suspend()
        async with promptly():
            with pytest.raises(Unreachable, match="answered nothing for 2 s"):
                await destination.stat("none")
            with pytest.raises(ConnectTimeout):
                await connect_to(server, limits={"connect_timeout": 0.5}).connect()
        await server.resume()
        assert await destination.stat("none") is None


async def test_keepalive(tmp_path: Path, connect_to: Connect) -> None:
    """A connection that dies silently while idle is noticed."""
    limits = {"keepalive_interval": 0.1, "keepalive_count": 2}
    async with (
        OpenSshServer(tmp_path / "server") as server,
        Network(server.port) as network,
    ):
        destination = connect_to(server, port=network.port, limits=limits)
        await destination.connect()
        await server.suspend()
        await until(lambda: not is_connected(destination))
        await server.resume()
        await destination.connect()
        assert network.connections == 2


async def test_keepalive_is_answered(tmp_path: Path, connect_to: Connect) -> None:
    """A server that lives is not given up, however long nothing is asked of it."""
    limits = {"keepalive_interval": 0.05, "keepalive_count": 1_000_000}
    async with (
        OpenSshServer(tmp_path / "server") as server,
        Network(server.port) as network,
    ):
        destination = connect_to(server, port=network.port, limits=limits)
        await destination.connect()
        passed = network.passed
        # Several times a few hundred bytes, both ways.
        await until(lambda: network.passed > passed + 2000)
        assert is_connected(destination)
        await destination.connect()
        assert network.connections == 1


async def test_server_is_killed_and_restarted(
    tmp_path: Path, connect_to: Connect
) -> None:
    """Uploads fail at once when the server dies, and go on when it is back."""
    path, size = tmp_path / "source", 64 * 1024 * 1024
    path.write_bytes(bytes(size))
    source = FileSource(path, size=size)
    async with OpenSshServer(tmp_path / "server") as server:
        destination = connect_to(server)
        await destination.connect()
        puts = [
            asyncio.create_task(destination.put(f"{n}", source, temporary=f"{n}.part"))
            for n in range(3)
        ]
        await until(lambda: list(server.root.iterdir()))
        await server.kill()
        async with promptly():
            results = await asyncio.gather(*puts, return_exceptions=True)
        assert all(isinstance(result, Unreachable) for result in results)
        assert {path.name for path in server.root.iterdir()} <= {
            "0.part",
            "1.part",
            "2.part",
        }
        with pytest.raises(Unreachable):
            await destination.put("0", source, temporary="0.part")
        await server.start()
        await destination.put("0", source, temporary="0.part")
        assert (server.root / "0").stat().st_size == size


async def test_sessions_are_cut(tmp_path: Path, connect_to: Connect) -> None:
    """Sessions that the server ends are made anew."""
    async with OpenSshServer(tmp_path / "server") as server:
        destination = connect_to(server)
        await destination.connect()
        assert server.sessions() > 0
        await server.cut_sessions()
        await until(lambda: not is_connected(destination))
        assert await destination.stat("none") is None


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
