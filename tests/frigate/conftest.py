"""Fixtures: servers on 127.0.0.1, a session, certificates."""

from collections.abc import AsyncGenerator, Callable
import datetime as dt
import ipaddress
from pathlib import Path
import ssl
import time

import aiohttp
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
import pytest

from custom_components.frigate_snap_sync.frigate.client import FrigateClient, Limits

from ..waiting import LONG
from .server import FakeServer

type MakeClient = Callable[..., FrigateClient]


@pytest.fixture
async def server(socket_enabled: None) -> AsyncGenerator[FakeServer]:
    """Return a server that listens."""
    server = await FakeServer().start()
    yield server
    await server.close()


@pytest.fixture
async def session(socket_enabled: None) -> AsyncGenerator[aiohttp.ClientSession]:
    """Return a session as the integration makes one."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield session


PATIENT = Limits(connect=2 * LONG, idle=2 * LONG, total=2 * LONG)
"""Beyond any sound answer, however busy the machine is."""


class SteadyClock:
    """A steady clock that a test lets run ahead."""

    def __init__(self) -> None:
        """Begin with the machine's."""
        self._ahead = 0.0

    def advance(self, seconds: float) -> None:
        """Let so many seconds pass at once."""
        self._ahead += seconds

    def __call__(self) -> float:
        """Return what it shows."""
        return time.monotonic() + self._ahead


@pytest.fixture
def clock() -> SteadyClock:
    """Return the clock of clients that are made with it."""
    return SteadyClock()


@pytest.fixture
def make_client(session: aiohttp.ClientSession, clock: SteadyClock) -> MakeClient:
    """Return a function that makes a client, a patient one by default."""

    def make(url: str, **options: object) -> FrigateClient:
        options.setdefault("limits", PATIENT)
        options.setdefault("clock", clock)
        return FrigateClient(session, url, **options)  # type: ignore[arg-type]

    return make


@pytest.fixture
def client(server: FakeServer, make_client: MakeClient) -> FrigateClient:
    """Return a client of the server, without a login."""
    return make_client(server.url)


@pytest.fixture
def impatient(server: FakeServer, make_client: MakeClient) -> FrigateClient:
    """Return a client of the server that waits for no answer long."""
    return make_client(server.url, limits=Limits(connect=2 * LONG, idle=0.3, total=0.6))


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a self-signed certificate for 127.0.0.1, and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName(
                [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
            ),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


@pytest.fixture
def server_tls(certificate: Path) -> ssl.SSLContext:
    """Return the server's side of TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context
