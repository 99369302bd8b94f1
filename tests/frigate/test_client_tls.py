"""Frigate over TLS, and behind a proxy."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
import ssl

import aiohttp
import pytest

from custom_components.frigate_snap_sync.frigate.client import FrigateClient
from custom_components.frigate_snap_sync.frigate.errors import (
    FrigateTlsError,
    FrigateUnreachable,
)
from custom_components.frigate_snap_sync.frigate.version import FrigateVersion

from ..harness.processes import free_port
from .conftest import MakeClient
from .server import FakeServer
from .test_client_errors import raw_server

# TLS


@pytest.fixture
async def tls_server(
    socket_enabled: None, server_tls: ssl.SSLContext
) -> AsyncGenerator[FakeServer]:
    """Return a server with a self-signed certificate, as Frigate's."""
    server = await FakeServer().start(tls=server_tls)
    server.record("0.17.2")
    yield server
    await server.close()


async def test_self_signed_certificate(
    tls_server: FakeServer, make_client: MakeClient
) -> None:
    """Refused, unless the user says otherwise."""
    assert tls_server.url.startswith("https://")
    with pytest.raises(FrigateTlsError, match="certificate was refused: self"):
        await make_client(tls_server.url).version()
    assert tls_server.asked == []

    client = make_client(tls_server.url, verify_ssl=False)
    assert await client.version() == FrigateVersion(0, 17, 2)


async def test_certificate_that_the_session_trusts(
    tls_server: FakeServer, certificate: Path
) -> None:
    """Verification is the session's."""
    context = ssl.create_default_context(cafile=certificate)
    connector = aiohttp.TCPConnector(ssl=context)
    async with aiohttp.ClientSession(connector=connector) as session:
        assert await FrigateClient(session, tls_server.url).version()


async def test_https_to_a_port_without_tls(
    server: FakeServer, make_client: MakeClient
) -> None:
    """Port 5000 speaks plainly."""
    url = server.url.replace("http://", "https://")
    with pytest.raises(FrigateTlsError, match="No TLS connection"):
        await make_client(url, verify_ssl=False).version()


async def test_log_in_over_tls(tls_server: FakeServer, make_client: MakeClient) -> None:
    """As at port 8971."""
    tls_server.record("0.17.2", "login-ok")
    client = make_client(
        tls_server.url, username="admin", password="adminpassword", verify_ssl=False
    )

    assert await client.version()
    assert tls_server.asked[-1].bearer is not None


# Proxies


class FakeProxy:
    """An HTTP proxy that wants a login."""

    def __init__(self) -> None:
        """Note what comes."""
        self.requests: list[bytes] = []
        self.refuse = b""

    async def answer(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Forward a request, or open a tunnel."""
        head = await reader.readuntil(b"\r\n\r\n")
        self.requests.append(head)
        if self.refuse:
            writer.write(self.refuse)
            return
        method, target, _ = head.split(b" ", 2)
        host = target.decode().removeprefix("http://").partition("/")[0]
        name, _, port = host.partition(":")
        there, back = await asyncio.open_connection(name, int(port))
        if method == b"CONNECT":
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        else:
            path = target.decode().partition(host)[2].encode()
            back.write(head.replace(target, path, 1))

        async def pump(
            source: asyncio.StreamReader, target: asyncio.StreamWriter
        ) -> None:
            while data := await source.read(65536):
                target.write(data)

        done, pending = await asyncio.wait(
            [
                asyncio.ensure_future(pump(reader, back)),
                asyncio.ensure_future(pump(there, writer)),
            ],
            return_when=asyncio.FIRST_COMPLETED,
        )
        for task in pending:
            task.cancel()
        await asyncio.gather(*done, *pending, return_exceptions=True)
        back.close()


async def test_proxy(server: FakeServer, make_client: MakeClient) -> None:
    """With the proxy's own login, which Frigate does not get to see."""
    server.record("0.17.2")
    proxy = FakeProxy()
    async with raw_server(proxy.answer) as address:
        client = make_client(server.url, proxy=f"http://anna:secret@{address}")
        assert await client.version() == FrigateVersion(0, 17, 2)

    assert b"Proxy-Authorization: Basic YW5uYTpzZWNyZXQ=" in proxy.requests[0]


async def test_proxy_and_tls(tls_server: FakeServer, make_client: MakeClient) -> None:
    """Through a tunnel."""
    proxy = FakeProxy()
    async with raw_server(proxy.answer) as address:
        client = make_client(
            tls_server.url, proxy=f"http://anna:secret@{address}", verify_ssl=False
        )
        assert await client.version() == FrigateVersion(0, 17, 2)
        with pytest.raises(FrigateTlsError, match="refused: self"):
            await make_client(tls_server.url, proxy=f"http://{address}").version()

    assert proxy.requests[0].startswith(b"CONNECT 127.0.0.1:")
    assert b"Authorization" not in str(tls_server.asked[0].headers).encode()


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_proxy_that_refuses(
    socket_enabled: None, make_client: MakeClient, scheme: str
) -> None:
    """An error of the proxy is not one of Frigate; no password in it."""
    proxy = FakeProxy()
    proxy.refuse = (
        b"HTTP/1.1 407 Proxy Authentication Required\r\n"
        b"Content-Length: 0\r\nConnection: close\r\n\r\n"
    )
    async with raw_server(proxy.answer) as address:
        client = make_client(
            f"{scheme}://frigate:5000", proxy=f"http://anna:secret@{address}"
        )
        with pytest.raises(FrigateUnreachable, match="[Tt]he proxy") as caught:
            await client.version()
    assert "secret" not in str(caught.value)


async def test_proxy_that_is_not_there(
    socket_enabled: None, make_client: MakeClient
) -> None:
    """The same."""
    client = make_client(
        "http://frigate:5000", proxy=f"http://anna:secret@127.0.0.1:{free_port()}"
    )
    with pytest.raises(FrigateUnreachable, match="proxy can't be reached") as caught:
        await client.version()
    assert "secret" not in str(caught.value)
