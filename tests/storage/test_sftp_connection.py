"""Connecting and logging in: who is trusted, what is told, how long is waited."""

import asyncio
from pathlib import Path
from typing import Any, override

import asyncssh
import pytest

from custom_components.frigate_snap_sync.storage.errors import (
    STARTING,
    AuthFailed,
    ConnectTimeout,
    NoSftp,
    StorageError,
    Unreachable,
)
from custom_components.frigate_snap_sync.storage.sftp.destination import (
    SftpDestination,
    SftpSettings,
    generate_key_pair,
)
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


class Odd(asyncssh.SFTPAttrs):
    """What is sent instead of an answer."""

    def __init__(self, sent: bytes) -> None:
        """Send these bytes."""
        self._sent = sent

    @override
    def encode(self, sftp_version: int) -> bytes:
        return self._sent


@pytest.mark.parametrize(
    ("limits", "status"), [(b"\0", None), (None, bytes(3)), (None, bytes(8))]
)
async def test_first_answer_is_malformed(
    server: SftpServer,
    connect_to: Connect,
    limits: bytes | None,
    status: bytes | None,
) -> None:
    """The first answers of a server may make no sense either."""
    if limits is not None:
        server.behavior.limits = Odd(limits)
    if status is not None:
        server.behavior.statuses["stat"] = Odd(status)
    destination = connect_to(server, password=PASSWORD)
    with pytest.raises(NoSftp, match="makes no sense") as raised:
        await destination.connect()
    assert raised.value.step == STARTING


@pytest.mark.parametrize(
    "refusal",
    [
        asyncssh.SFTPOpUnsupported("no"),
        asyncssh.SFTPBadMessage("no"),
        asyncssh.SFTPPermissionDenied("no"),
    ],
    ids=lambda refusal: type(refusal).__name__,
)
async def test_first_question_is_refused(
    server: SftpServer, connect_to: Connect, refusal: asyncssh.SFTPError
) -> None:
    """A refusal takes as long as an answer, which is all that is asked for."""
    server.behavior.failing["stat"] = refusal
    destination = connect_to(server, password=PASSWORD)
    assert (await destination._connection.session()).usable  # noqa: SLF001


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
