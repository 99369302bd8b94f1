"""What a server sends, looked at and bounded before asyncssh keeps it.

asyncssh 2.24 waits for a packet of any length that a server announces, of SSH as
of SFTP, and ignores whatever comes before the version of SSH.
"""

import asyncio
import codecs
from collections import deque
from collections.abc import Callable
import re
from typing import Any, Final, cast, override

import asyncssh

MAX_UNREAD: Final = 4 * 1024 * 1024
"""Bytes of SSH that may wait to make up a packet: twice what a channel may send."""

MAX_LOGIN: Final = 1024 * 1024
"""Bytes that a server may send until it has let us in: a hundred times what it needs."""

PIECE: Final = 32 * 1024
"""Bytes that are worked through in one turn of the event loop."""

MAX_PACKET: Final = 256 * 1024
"""Bytes of one SFTP packet: what OpenSSH's own client takes."""

MAX_GREETING: Final = 256
MAX_SEEN: Final = 8 * 1024
"""Bytes that are kept of what a server sends first: of text, and of all."""

TEXT_TIMEOUT: Final = 1.0
"""Seconds to wait for the rest of a text, to show it."""

_FOREIGN: Final = re.compile(rb"220[ -]|HTTP/|\x15\x03")
"""How servers of FTP or mail, HTTP and TLS begin; they would wait for more."""


_KEXINIT: Final = b"\x14"


class HostileServer(asyncssh.ProtocolError):
    """The server sends more than any server needs to."""


class NoSshServer(asyncssh.ProtocolError):
    """What answers speaks another protocol."""


class OversizedPacket(asyncssh.SFTPConnectionLost):
    """The server announced a packet that is larger than any server needs."""


class TextForSftp(asyncssh.SFTPConnectionLost):
    """The server sent text where an SFTP packet should begin; `text` is its start."""

    def __init__(self, text: str) -> None:
        """Keep the text beside the message."""
        super().__init__(f"It sent text instead of SFTP: {text}")
        self.text = text


class Door:
    """Makes the connection that SSH runs over, and keeps an eye on it.

    Pass it to asyncssh as `tunnel`; use it for one connection.
    """

    def __init__(self) -> None:
        """Connect nothing yet."""
        self.seen = b""
        """What came first, cut."""
        self.received = 0
        """Bytes that came."""
        self.is_open = False
        """Set it once the server has let us in: it may send much more then."""

    @property
    def greeting(self) -> bytes:
        """Return what came first, as far as it is worth showing."""
        return self.seen[:MAX_GREETING]

    @property
    def host_key_algorithms(self) -> list[str]:
        """Return those of the server, if it came so far (RFC 4253, 7.1).

        asyncssh leaves it to the server to find that there is none in common, and
        that hangs up.
        """
        version = re.search(rb"^SSH-.*\n", self.seen, re.MULTILINE)
        if version is None:
            return []
        # Length, padding, the message's number, 16 bytes at random, and lists of
        # names: those of key exchanges, and of host keys.
        rest = self.seen[version.end() + 5 :]
        if rest[:1] != _KEXINIT:
            return []
        exchanges, rest = _take_string(rest[17:])
        names, _ = _take_string(rest)
        return names.decode(errors="replace").split(",") if exchanges else []

    async def create_connection(
        self,
        session_factory: Callable[..., Any],
        remote_host: str,
        remote_port: int,
    ) -> tuple[Any, Any]:
        """Connect to a server by TCP; raises OSError.

        What asyncssh passes as `session_factory` makes its own connection.
        """
        loop = asyncio.get_running_loop()
        transport, guard = await loop.create_connection(
            lambda: _Guard(self, session_factory()), remote_host, remote_port
        )
        return transport, guard.connection

    def close(self) -> None:
        """Have nothing to close: the connection is closed by itself."""

    async def wait_closed(self) -> None:
        """Have nothing to wait for."""


class _Guard(asyncio.Protocol):
    """Stands between the transport and asyncssh's connection.

    What comes is passed on in pieces, with a turn of the event loop between them:
    the smallest packets of SSH in one large read would take a second to work through.
    """

    def __init__(self, door: Door, connection: asyncssh.SSHClientConnection) -> None:
        self.connection = connection
        self._door = door
        self._transport: asyncio.Transport | None = None
        self._pieces: deque[bytes] = deque()
        self._is_over = False

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self.connection.connection_made(_Line(self._transport))

    @override
    def data_received(self, data: bytes) -> None:
        self._door.received += len(data)
        if (room := MAX_SEEN - len(self._door.seen)) > 0:
            self._door.seen += data[:room]
            if _FOREIGN.match(self._door.seen):
                self._end(NoSshServer("It speaks no SSH"))
        if len(data) <= PIECE and not self._pieces:
            self._pass_on(data)
            return
        is_first = not self._pieces
        self._pieces += [data[at : at + PIECE] for at in range(0, len(data), PIECE)]
        if is_first:
            assert self._transport is not None
            self._transport.pause_reading()
            self._next_piece()

    def _next_piece(self) -> None:
        """Pass on one piece; the others follow by themselves."""
        if self._pieces:
            self._pass_on(self._pieces.popleft())
        if self._pieces:
            asyncio.get_running_loop().call_soon(self._next_piece)
        elif self._transport is not None:
            self._transport.resume_reading()

    def _pass_on(self, data: bytes) -> None:
        # What comes after the end would start asyncssh's keepalive timer again.
        if self._is_over or self.connection.is_closed():
            return
        self.connection.data_received(data)
        # Private, but the only place that tells; a test fails if it is renamed.
        unread = len(self.connection._inpbuf)  # noqa: SLF001
        if unread > MAX_UNREAD:
            self._end(HostileServer(f"It sent {unread} bytes without a whole packet"))
        elif self._door.received > MAX_LOGIN and not self._door.is_open:
            self._end(HostileServer(f"It sent {self._door.received} bytes to log in"))

    def _end(self, error: asyncssh.DisconnectError) -> None:
        self._is_over = True
        self.connection.connection_lost(error)

    @override
    def eof_received(self) -> None:
        self.connection.eof_received()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        while self._pieces:
            self._pass_on(self._pieces.popleft())
        self.connection.connection_lost(exc)


class _Line(asyncio.Transport):
    """The transport, which says nothing of writes after it is lost.

    asyncio logs each of them, and asyncssh learns of the loss a moment later.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        super().__init__()
        self._transport = transport

    @override
    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._transport.get_extra_info(name, default)

    @override
    def write(self, data: bytes | bytearray | memoryview) -> None:
        if not self._transport.is_closing():
            self._transport.write(data)

    @override
    def is_closing(self) -> bool:
        return self._transport.is_closing()

    @override
    def close(self) -> None:
        self._transport.close()

    @override
    def abort(self) -> None:
        self._transport.abort()


def _take_string(data: bytes) -> tuple[bytes, bytes]:
    """Split a string of SSH, cut where the data are, from what follows it."""
    end = 4 + int.from_bytes(data[:4], "big")
    return data[4:end], data[end:]


class SftpReader(asyncssh.SSHReader[bytes]):
    """Reads SFTP packets, and refuses what can't be one.

    asyncssh asks for the four bytes of a length, and then for so many bytes.
    """

    def __init__(self, reader: asyncssh.SSHReader[bytes]) -> None:
        """Take the place of a reader."""
        session, datatype = reader.get_redirect_info()
        super().__init__(session, reader.channel, datatype)
        self._last = b""

    @override
    async def readexactly(self, n: int) -> bytes:
        """Return `n` bytes.

        Raises `TextForSftp` or `OversizedPacket` for a length that can't be.
        """
        if n > MAX_PACKET:
            if _is_text(self._last):
                raise TextForSftp(await self._text())
            raise OversizedPacket(f"It announced a packet of {n} bytes")
        self._last = await super().readexactly(n)
        return self._last

    async def _text(self) -> str:
        """Return the whole text, which may come in several packets.

        SFTP may well begin behind it, with a NUL.
        """
        text = self._last
        try:
            async with asyncio.timeout(TEXT_TIMEOUT):
                while (
                    b"\0" not in text and len(text) < MAX_GREETING and not self.at_eof()
                ):
                    text += await self.read(MAX_GREETING)
        except TimeoutError, asyncssh.Error, OSError:
            pass  # What there is says enough.
        return text.partition(b"\0")[0].decode(errors="replace")


class SftpWriter(asyncssh.SSHWriter[bytes]):
    """Writes SFTP packets, and drops those that come after the channel's end.

    asyncssh has noted the request by then; it ends with the channel. Were the
    write to fail, it would end a second time, and asyncio would complain that
    no caller has asked how.
    """

    def __init__(self, writer: asyncssh.SSHWriter[bytes]) -> None:
        """Take the place of a writer."""
        session, datatype = writer.get_redirect_info()
        super().__init__(session, writer.channel, datatype)

    @override
    def write(self, data: bytes) -> None:
        if not self.is_closing():
            super().write(data)


def _is_text(data: bytes) -> bool:
    """Tell whether these bytes may begin a text; the last may be half a letter.

    A text of fewer bytes has the first NULs of a packet's length behind it.
    """
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(data.rstrip(b"\0"))
    except UnicodeDecodeError:
        return False
    return text != "" and all(
        letter.isprintable() or letter in "\t\r\n\x1b" for letter in text
    )
