"""Servers that refuse a login by hanging up, with a word or without one."""

import getpass
from itertools import pairwise
from pathlib import Path

import asyncssh
from asyncssh import constants
import pytest

from custom_components.frigate_snap_sync.storage.errors import (
    AuthFailed,
    StorageError,
    Unreachable,
)
from custom_components.frigate_snap_sync.storage.sftp.destination import (
    SftpDestination,
    generate_key_pair,
)

from ..harness.dropbear import DropbearServer
from ..harness.proftpd import ProFtpdServer
from ..harness.sftp_server import PASSWORD, Ending, SftpServer
from .conftest import Connect


async def causes(
    destination: SftpDestination, count: int
) -> list[type[StorageError] | None]:
    """Return the causes of so many attempts in a row, None for one that worked."""
    found: list[type[StorageError] | None] = []
    for _ in range(count):
        try:
            await destination.connect()
        except StorageError as err:
            found.append(type(err))
        else:
            found.append(None)
            await destination.close()
    return found


def says(code: int, reason: str = "Bye") -> Ending:
    """End with a message."""
    return lambda connection: connection.disconnect(code, reason)


def hangs_up(connection: asyncssh.SSHServerConnection) -> None:
    """End without a word."""
    connection.abort()


@pytest.mark.parametrize(
    "code",
    [
        constants.DISC_PROTOCOL_ERROR,
        constants.DISC_BY_APPLICATION,
        constants.DISC_NO_MORE_AUTH_METHODS_AVAILABLE,
        constants.DISC_SERVICE_NOT_AVAILABLE,
        99,
    ],
)
async def test_a_message_after_the_password(
    server: SftpServer, connect_to: Connect, code: int
) -> None:
    """It is the answer to the login, whatever its number."""
    server.behavior.endings = [says(code, "Go away")]
    with pytest.raises(AuthFailed, match="refused the login: Go away") as raised:
        await connect_to(server, password=PASSWORD).connect()
    assert raised.value.step == "Logging in"


async def test_one_connection_too_many(server: SftpServer, connect_to: Connect) -> None:
    """That is no refusal of the login."""
    many = says(constants.DISC_TOO_MANY_CONNECTIONS, "Too many")
    server.behavior.endings = [many] * 3
    destination = connect_to(server, password=PASSWORD)
    assert await causes(destination, 2) == [Unreachable] * 2
    with pytest.raises(Unreachable, match="takes no more connections") as raised:
        await destination.connect()
    assert raised.value.hint == "connection_limit"


async def test_hanging_up_after_the_password(
    server: SftpServer, connect_to: Connect
) -> None:
    """Once may be a server that dies; twice in a row is a refusal."""
    server.behavior.endings = [hangs_up] * 4
    found = await causes(connect_to(server, password=PASSWORD), 4)
    assert found == [Unreachable, *[AuthFailed] * 3]


async def test_hanging_up_now_and_then(server: SftpServer, connect_to: Connect) -> None:
    """A login that works, or another failure, ends the row."""
    server.behavior.endings = [hangs_up, None, hangs_up, says(2), hangs_up]
    found = await causes(connect_to(server, password=PASSWORD), 5)
    assert found == [Unreachable, None, Unreachable, AuthFailed, Unreachable]


async def test_hanging_up_before_the_password(
    server: SftpServer, connect_to: Connect
) -> None:
    """It says nothing of the credentials, however often."""
    server.behavior.early_endings = [*[hangs_up] * 3, says(2, "Restarting")]
    destination = connect_to(server, password=PASSWORD)
    assert await causes(destination, 4) == [Unreachable] * 4
    assert not server.behavior.early_endings


async def test_dropbear(tmp_path: Path, connect_to: Connect) -> None:
    """With one try a login it hangs up on a wrong password."""
    async with DropbearServer(tmp_path / "server", arguments=["-T", "1"]) as server:
        settings = {
            "port": server.port,
            "host_key": server.host_key,
            "username": getpass.getuser(),
        }
        by_password = connect_to(**settings, password="wrong")
        assert await causes(by_password, 3) == [Unreachable, AuthFailed, AuthFailed]
        pair = await generate_key_pair("stranger")
        by_key = connect_to(**settings, private_key=pair.private_key)
        assert set(await causes(by_key, 3)) == {AuthFailed}


async def test_proftpd(tmp_path: Path, connect_to: Connect) -> None:
    """With one try a login it disconnects, with a message or, now and then, without."""
    pair = await generate_key_pair("stranger")
    folder = tmp_path / "server"
    async with ProFtpdServer(folder, settings=["MaxLoginAttempts 1"]) as server:
        destination = connect_to(
            port=server.port,
            host_key=server.host_key,
            username=server.username,
            private_key=pair.private_key,
        )
        found = await causes(destination, 20)
    # None, not even one, is taken for an outage twice in a row.
    assert found.count(AuthFailed) >= 10
    assert set(found) <= {AuthFailed, Unreachable}
    assert (Unreachable, Unreachable) not in pairwise(found)
