"""SFTP servers."""

from .destination import (
    HostKey,
    KeyPair,
    SftpDestination,
    SftpSettings,
    fetch_host_key,
    generate_key_pair,
    load_private_key,
)

__all__ = [
    "HostKey",
    "KeyPair",
    "SftpDestination",
    "SftpSettings",
    "fetch_host_key",
    "generate_key_pair",
    "load_private_key",
]
