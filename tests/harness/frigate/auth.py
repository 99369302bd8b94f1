"""The login of the simulated Frigate's external port (8971 on a real one)."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
import ipaddress
from pathlib import Path
import secrets
import ssl
import time
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
import jwt

from .versions import Version

COOKIE = "frigate_token"


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Somebody who may log in; `cameras` None means all."""

    password: str
    role: str = "viewer"
    cameras: frozenset[str] | None = None


@dataclass(slots=True, kw_only=True)
class Auth:
    """Users and their tokens. `session` is how long a token lives (seconds)."""

    users: dict[str, User] = field(
        default_factory=lambda: {
            "admin": User(password="admin-password", role="admin"),
            "viewer": User(password="viewer-password"),
        }
    )
    session: float = 86400
    secret: str = field(default_factory=lambda: secrets.token_hex(32))
    logins: int = 0
    """How many logins were tried."""

    def login(self, name: str, password: str, version: Version) -> str | None:
        """Return a token, or None if name or password is wrong."""
        self.logins += 1
        user = self.users.get(name)
        if user is None or not secrets.compare_digest(user.password, password):
            return None
        now = int(time.time())
        claims: dict[str, Any] = {"sub": name, "exp": int(now + self.session)}
        if version.minor >= 16:
            claims["role"] = user.role
        if version.minor >= 17:
            claims["iat"] = now
        return jwt.encode(claims, self.secret, algorithm="HS256")

    def check(self, token: str) -> User | None:
        """Return whose token it is, or None if it isn't valid (any more)."""
        try:
            claims = jwt.decode(token, self.secret, algorithms=["HS256"])
        except jwt.PyJWTError:
            return None
        return self.users.get(claims["sub"])

    def cookie(self, token: str, version: Version) -> str:
        """Return the Set-Cookie header that carries the token."""
        if version.minor >= 18:
            life = f"HttpOnly; Max-Age={int(self.session)}"
        else:
            # The moment was given where a duration is expected: decades ahead.
            wrong = datetime.now(UTC) + timedelta(seconds=time.time() + self.session)
            life = f"expires={wrong:%a, %d %b %Y %H:%M:%S} GMT; HttpOnly"
        return f"{COOKIE}={token}; {life}; Path=/; SameSite=lax"


def self_signed(folder: Path) -> ssl.SSLContext:
    """Return a server's TLS context with a certificate that nobody vouches for.

    As Frigate's default, but for a name that fits 127.0.0.1, so that a client
    that is given the certificate may trust it; TLS 1.3 only. The files
    `frigate.crt` and `frigate.key` are written to `folder`.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "FRIGATE DEFAULT CERT"),
            x509.NameAttribute(NameOID.COMMON_NAME, "*"),
        ]
    )
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=365))
        .add_extension(
            x509.SubjectAlternativeName(
                [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
            ),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    certificate_file, key_file = folder / "frigate.crt", folder / "frigate.key"
    certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(certificate_file, key_file)
    return context
