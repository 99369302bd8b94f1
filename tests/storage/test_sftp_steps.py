"""Which step to an SFTP server failed, and what its owner can do about it.

With real servers, or byte for byte what they send.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
import os
from pathlib import Path
import shutil

import asyncssh
import pytest

from custom_components.frigate_snap_sync.storage.errors import (
    AuthFailed,
    NoSftp,
    PathNotFound,
    PermissionDenied,
    Rejected,
    StorageError,
    Unreachable,
)
from custom_components.frigate_snap_sync.storage.sftp.destination import (
    SftpDestination,
    fetch_host_key,
)

from ..harness.network import HOST
from ..harness.openssh import OpenSshServer
from ..harness.proftpd import ProFtpdServer
from ..harness.sftp_server import PASSWORD, SftpServer
from ..waiting import promptly
from .conftest import Connect, MakeSource

INTERNAL = "Subsystem sftp internal-sftp"
GREETING = "echo Welcome to the NAS; echo have a nice day; exec /bin/cat"


@pytest.mark.parametrize(
    ("greeting", "shown", "said"),
    [
        ("\n", "an empty line", ""),
        ("\r\n\n", "an empty line", ""),
        ("é", "“é”", "é"),
        ("ok\n", "“ok”", "ok"),
        ("Welcome\n", "“Welcome”", "Welcome"),
    ],
)
async def test_a_short_greeting(
    tmp_path: Path, connect_to: Connect, greeting: str, shown: str, said: str
) -> None:
    """However little a shell prints, SFTP that begins behind it is not part of it."""
    version = b"\0\0\0\x05\x02\0\0\0\x03"

    def talk(channel: asyncssh.SSHServerChannel[bytes]) -> None:
        channel.write(greeting.encode() + version)

    async with SftpServer(tmp_path, session=talk) as server:
        with pytest.raises(NoSftp) as raised:
            await connect_to(server, password=PASSWORD).connect()
    error = raised.value
    assert f"({shown})" in str(error)
    assert (error.hint, error.said) == ("text_for_sftp", said)


@pytest.mark.parametrize(
    ("settings", "subsystem", "cause", "words"),
    [
        (
            [f"ForceCommand {GREETING}"],
            "Subsystem sftp /bin/cat",
            NoSftp,
            ["sends text", "Welcome to the NAS have a nice day", ".bashrc"],
        ),
        ([], "", NoSftp, ["offers no SFTP", "Subsystem sftp internal-sftp"]),
        (
            ["ForceCommand /nowhere/sftp-server"],
            "Subsystem sftp /nowhere/sftp-server",
            NoSftp,
            ["ended at once", "exit status 127", "installed"],
        ),
        (
            ["ForceCommand /bin/false"],
            "Subsystem sftp /bin/false",
            NoSftp,
            ["ended at once", "exit status 1", "shell"],
        ),
        (
            ["MaxSessions 0"],
            INTERNAL,
            Unreachable,
            ["opened no session", "MaxSessions"],
        ),
    ],
    ids=["greeting", "no subsystem", "not installed", "no shell", "no session"],
)
async def test_starting_sftp(
    tmp_path: Path,
    connect_to: Connect,
    settings: list[str],
    subsystem: str,
    cause: type[StorageError],
    words: list[str],
) -> None:
    """The login works, but no SFTP comes of it."""
    server = OpenSshServer(tmp_path / "s", settings=settings, subsystem=subsystem)
    async with server, promptly():
        with pytest.raises(cause) as raised:
            await connect_to(server).connect()
    assert type(raised.value) is cause
    assert raised.value.step == "Starting SFTP"
    assert not [word for word in words if word not in str(raised.value)]


@pytest.mark.skipif(os.geteuid() != 0, reason="Only root may change the root folder")
async def test_a_root_folder_that_others_may_change(
    tmp_path: Path, connect_to: Connect
) -> None:
    """OpenSSH then ends what had begun, with a line in its own log alone."""
    folder = tmp_path / "chroot"
    folder.mkdir()
    folder.chmod(0o777)
    settings = [f"ChrootDirectory {folder}"]
    async with OpenSshServer(tmp_path / "server", settings=settings) as server:
        with pytest.raises(StorageError, match="a ChrootDirectory, .* root") as raised:
            await connect_to(server).connect()
        assert "bad ownership or modes for chroot" in server.log
    assert raised.value.step == "Starting SFTP"


@asynccontextmanager
async def saying(*words: bytes, end: bool = False) -> AsyncGenerator[int]:
    """Yield the port of a server that says this at once, and maybe hangs up."""

    async def accept(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        for word in words:
            writer.write(word)
            await writer.drain()
        if not end:
            await reader.read()
        writer.close()

    listener = await asyncio.start_server(accept, HOST, 0)
    async with listener:
        yield listener.sockets[0].getsockname()[1]
        listener.close_clients()


@pytest.mark.parametrize(
    ("said", "end", "cause", "words"),
    [
        (b"220 (vsFTPd 3.0.3)\r\n", False, NoSftp, ["FTP is not SFTP", "vsFTPd 3.0.3"]),
        (
            b"220-----\r\n220 ProFTPD Server\r\n",
            False,
            NoSftp,
            ["FTP is not SFTP", "22"],
        ),
        (
            b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n",
            True,
            Unreachable,
            ["web server"],
        ),
        (b"\x15\x03\x01\x00\x02\x02\x46", True, Unreachable, ["TLS"]),
        (b"+OK POP3 ready\r\n", True, Unreachable, ["no SSH server", "+OK POP3 ready"]),
        (
            b"Exceeded MaxStartups\r\n",
            True,
            Unreachable,
            ["no more connections", "MaxStartups"],
        ),
        (
            b"Not allowed at this time\r\n",
            True,
            Unreachable,
            ["no more connections", "PerSourcePenalties"],
        ),
        (b"", True, Unreachable, ["hung up before the login", "limit connections"]),
        (b"SSH-2.0-OpenSSH_9.2\r\n", True, Unreachable, ["hung up before the login"]),
    ],
    ids=["ftp", "long ftp", "http", "tls", "pop3", "startups", "ban", "mute", "ssh"],
)
async def test_what_is_no_ssh_server(
    server: SftpServer,
    connect_to: Connect,
    said: bytes,
    end: bool,
    cause: type[StorageError],
    words: list[str],
) -> None:
    """Said at once, not after a time-out; by the set-up's first look as well."""
    async with saying(said, end=end) as port, promptly():
        with pytest.raises(cause) as raised:
            await connect_to(server, port=port, password=PASSWORD).connect()
        with pytest.raises(cause) as looked:
            await fetch_host_key(HOST, port)
    assert type(raised.value) is cause
    assert str(looked.value) == str(raised.value)
    assert raised.value.step == "Connecting"
    assert not [word for word in words if word not in str(raised.value)]


async def test_a_line_before_ssh(server: SftpServer, connect_to: Connect) -> None:
    """Servers may say something first (RFC 4253, 4.2)."""
    await server.stop()
    server.options["server_version"] = "Test"
    await server.start()

    async def accept(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        there, on = await asyncio.open_connection(HOST, server.port)
        writer.write(b"Authorized access only\r\nwelcome to 220 this\r\n")

        async def pass_on(
            one: asyncio.StreamReader, other: asyncio.StreamWriter
        ) -> None:
            while data := await one.read(65536):
                other.write(data)
            other.close()

        await asyncio.gather(pass_on(there, writer), pass_on(reader, on))

    listener = await asyncio.start_server(accept, HOST, 0)
    async with listener:
        port = listener.sockets[0].getsockname()[1]
        destination = connect_to(server, port=port, password=PASSWORD)
        await destination.connect()
        await destination.close()


async def test_a_limit_of_connections(tmp_path: Path, connect_to: Connect) -> None:
    """One that is not logged in is all that a real OpenSSH takes here."""
    settings = ["PerSourceMaxStartups 1"]
    async with OpenSshServer(tmp_path / "server", settings=settings) as server:
        async with promptly():
            said = b""
            while not said.startswith(b"SSH-"):
                # The connection that saw it start may still count.
                reader, held = await asyncio.open_connection(HOST, server.port)
                said = await reader.readline()
            with pytest.raises(Unreachable) as raised:
                await connect_to(server).connect()
        held.close()
    assert raised.value.step == "Connecting"
    assert "limit" in str(raised.value)


async def test_a_server_with_old_keys_only(tmp_path: Path, connect_to: Connect) -> None:
    """Nothing but RSA with SHA-1: named, as what is to be done."""
    settings = ["HostKeyAlgorithms ssh-rsa"]
    async with OpenSshServer(
        tmp_path / "server", key_type="rsa", settings=settings
    ) as server:
        with pytest.raises(NoSftp) as raised:
            await connect_to(server).connect()
        with pytest.raises(NoSftp) as looked:
            await fetch_host_key(HOST, server.port)
    for error in (raised, looked):
        assert "host keys" in str(error.value)
        assert "ssh-rsa" in str(error.value)
        assert "Update its SSH server or give it an ed25519 key" in str(error.value)


async def refusal(destination: SftpDestination) -> StorageError:
    """Return why nothing was agreed on.

    A server that hangs up at that point may be gone before its list was read.
    """
    async with promptly():
        while True:
            with pytest.raises(StorageError) as raised:
                await destination.connect()
            if not isinstance(raised.value, Unreachable):
                return raised.value


async def test_a_server_with_old_ciphers_only(
    tmp_path: Path, connect_to: Connect
) -> None:
    """The same for all that must be agreed on."""
    settings = ["Ciphers aes128-cbc"]
    async with OpenSshServer(tmp_path / "server", settings=settings) as server:
        error = await refusal(connect_to(server))
    assert isinstance(error, NoSftp)
    assert "of ciphers it has only outdated ones" in str(error)


async def test_logging_in(tmp_path: Path, connect_to: Connect) -> None:
    """The step is named; so is a server that wants neither of what we have."""
    async with OpenSshServer(tmp_path / "server") as server:
        with pytest.raises(AuthFailed, match="neither the password nor the key"):
            await connect_to(server, private_key=None, password="x").connect()
        server.forbid_all()
        with pytest.raises(AuthFailed, match="refused the login") as raised:
            await connect_to(server).connect()
    assert raised.value.step == "Logging in"


async def test_a_folder_that_is_missing(
    tmp_path: Path, connect_to: Connect, make_source: MakeSource
) -> None:
    """It is no matter of permissions alone: perhaps the path is wrong."""
    async with ProFtpdServer(tmp_path / "server") as server:
        path = str(server.root / "up" / "load")
        settings = {
            "port": server.port,
            "host_key": server.host_key,
            "username": server.username,
            "private_key": server.private_key,
            "path": path,
        }
        destination = connect_to(**settings)
        await destination.put("a/b", make_source(), temporary="a/.c.tmp")
        await destination.close()
        shutil.rmtree(server.root / "up")
        await server.stop()
        server.read_only = True
        await server.start()
        for attempt in (
            destination.connect(),
            destination.put("a/b", make_source(), temporary="a/.c.tmp"),
            destination.free_space(),
        ):
            with pytest.raises(PathNotFound) as raised:
                await attempt
            assert f"The folder {path} does not exist and can't be made" in str(
                raised.value
            )


@pytest.mark.parametrize(
    "refusal",
    [
        asyncssh.SFTPPermissionDenied("Denied"),
        asyncssh.SFTPFailure("Failure"),
        asyncssh.SFTPOpUnsupported("Never heard of"),
    ],
)
async def test_a_folder_that_may_not_be_made(
    server: SftpServer,
    connect_to: Connect,
    make_source: MakeSource,
    refusal: asyncssh.SFTPError,
) -> None:
    """Whatever the server calls it. One that is there is another matter."""
    server.behavior.failing["mkdir"] = refusal
    missing = connect_to(server, password=PASSWORD, path="/up")
    with pytest.raises(PathNotFound) as raised:
        await missing.connect()
    assert raised.value.step == "Finding the folder"
    present = connect_to(server, password=PASSWORD)
    await present.put("file", make_source(), temporary="part")
    with pytest.raises((PermissionDenied, Rejected)) as refused:
        await present.put("a/file", make_source(), temporary="a/part")
    assert not isinstance(refused.value, PathNotFound)
    assert refused.value.step == "Making a folder"


@pytest.mark.parametrize(
    ("operation", "step"),
    [
        ("mkdir", "Making a folder"),
        ("open", None),
        ("write", None),
        ("fstat", "Checking"),
        ("rename", "Renaming"),
    ],
)
async def test_storing(
    server: SftpServer,
    connect_to: Connect,
    make_source: MakeSource,
    operation: str,
    step: str | None,
) -> None:
    """Each step of an upload is named, writing by the text itself."""
    destination = connect_to(server, password=PASSWORD)
    await destination.connect()
    denied = asyncssh.SFTPPermissionDenied("No")
    server.behavior.failing |= dict.fromkeys(
        [operation, "posix_rename"] if operation == "rename" else [operation], denied
    )
    with pytest.raises(PermissionDenied, match="Failed to write a/b") as raised:
        await destination.put("a/b", make_source(), temporary="a/part")
    assert raised.value.step == step
