"""Host keys: the one of a server, which is pinned, and what it means if another comes."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import asyncssh

from ..errors import HostKeyChanged, Unusable
from .errors import connect_error
from .guard import Door

FETCH_TIMEOUT: Final = 20.0
"""Seconds that a server gets to show its host key."""

HOST_KEY_ALGORITHMS: Final = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
)
"""Best first. No certificates: they can't be pinned. No SHA-1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostKey:
    """A server's public host key.

    `line` is the OpenSSH form without comment (`ssh-ed25519 AAAA…`), `algorithm`
    its first word, `fingerprint` what `ssh-keygen -l` prints (`SHA256:…`).
    """

    line: str
    algorithm: str
    fingerprint: str


def describe_host_key(key: asyncssh.SSHKey) -> HostKey:
    """Return what is pinned of a server's key."""
    algorithm, encoded, *_ = key.export_public_key("openssh").decode().split()
    return HostKey(
        line=f"{algorithm} {encoded}",
        algorithm=algorithm,
        fingerprint=key.get_fingerprint(),
    )


def algorithms_for(key: asyncssh.SSHKey) -> list[str]:
    """Return the host key algorithms to ask for, those that prove `key` first.

    So a server that has several keys shows that one, and a server that lost it
    shows us another instead of just hanging up. One RSA key serves several
    algorithms.
    """
    kind = key.get_algorithm()
    prefix = "rsa-" if kind == "ssh-rsa" else kind
    return sorted(HOST_KEY_ALGORITHMS, key=lambda name: not name.startswith(prefix))


def foreign_keys(offered: Sequence[str]) -> str:
    """Return the offered host key algorithms if none of them is for us, else nothing."""
    if any(name in HOST_KEY_ALGORITHMS for name in offered):
        return ""
    return ", ".join(name for name in offered if name)


async def fetch_host_key(
    host: str, port: int, *, timeout: float = FETCH_TIMEOUT
) -> HostKey:
    """Ask a server for the host key it would show us, without logging in.

    Raises `Unreachable`, `ConnectTimeout`, or `NoSftp` when what answers is no SSH
    server or has no key that we know.
    """
    door = Door()
    try:
        async with asyncio.timeout(timeout):
            key = await asyncssh.get_server_host_key(
                host,
                port,
                tunnel=door,
                config=None,
                server_host_key_algs=list(HOST_KEY_ALGORITHMS),
            )
    except (asyncssh.Error, OSError, ValueError, OverflowError) as err:
        raise connect_error(
            err,
            host,
            port,
            greeting=door.greeting,
            foreign_keys=foreign_keys(door.host_key_algorithms),
        ) from err
    assert key is not None  # only without a key exchange, which we asked for
    return describe_host_key(key)


def load_public_key(line: str) -> asyncssh.SSHKey:
    """Read a pinned host key; raises `Unusable`, for no login can change it."""
    try:
        return asyncssh.import_public_key(line)
    except ValueError as err:
        raise Unusable("The pinned host key can't be read") from err


def host_key_changed(host: str, port: int, fingerprint: str) -> HostKeyChanged:
    """Return what is wrong with a server that showed another key than the pinned one."""
    return HostKeyChanged(
        f"The host key of {host}:{port} is {fingerprint}, which is not the pinned one",
        fingerprint=fingerprint,
    )
