"""Keys that log in: made here, or pasted by their owner."""

import asyncio
from dataclasses import dataclass, field

import asyncssh

from ..errors import InvalidKey
from .key_text import name_key, tidy_key


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPair:
    """A key pair for logging in, as OpenSSH text: secret file and public line."""

    private_key: str = field(repr=False)
    public_key: str


async def generate_key_pair(comment: str) -> KeyPair:
    """Make an ed25519 key pair; `comment` ends the public line."""

    def generate() -> KeyPair:
        key = asyncssh.generate_private_key("ssh-ed25519", comment=comment)
        return KeyPair(
            private_key=key.export_private_key("openssh").decode(),
            public_key=key.export_public_key("openssh").decode().strip(),
        )

    return await asyncio.to_thread(generate)


async def load_private_key(
    private_key: str, passphrase: str | None = None
) -> asyncssh.SSHKey:
    """Read a private key in OpenSSH or PEM form, in an executor thread.

    How it was pasted does not matter: indented, in one line, with text around it.

    An encrypted key costs up to a second of work there. Raises `InvalidKey`.
    """
    return await asyncio.to_thread(_import_private_key, private_key, passphrase)


def _import_private_key(text: str, passphrase: str | None) -> asyncssh.SSHKey:
    text = tidy_key(text)
    try:
        key = asyncssh.import_private_key(text, passphrase or None)
    except ValueError as err:  # the base of asyncssh's own classes for it
        hint, words = _complaint(text, err)
        raise InvalidKey(words, hint=hint) from err
    kind = key.get_algorithm()
    if kind.startswith("sk-"):
        raise InvalidKey(
            "The private key belongs to a hardware security key, which can't be used "
            "here. Use an ordinary key, such as ed25519",
            hint="key_of_hardware",
        )
    if kind == "ssh-dss":
        raise InvalidKey(
            "This is a DSA key, which is outdated: servers refuse it. Use a new one, "
            "such as ed25519",
            hint="key_outdated",
        )
    return key


def _complaint(text: str, err: ValueError) -> tuple[str, str]:
    """Return what is wrong with a key, as a hint and in words."""
    if (name := name_key(text)) is not None:
        return name
    # asyncssh says of a PEM key only that it can't be decrypted, and not why.
    for reason in (err, err.__context__):
        if isinstance(reason, asyncssh.KeyEncryptionError) and "Unknown" in str(reason):
            return (
                "key_cipher_unknown",
                "The way in which the private key is encrypted is not supported. Set its "
                "passphrase again with ssh-keygen -p, and paste the result",
            )
    if isinstance(err, asyncssh.KeyEncryptionError) or "decrypt" in str(err):
        return "wrong_passphrase", "The passphrase of the private key is wrong"
    if "Passphrase" in str(err):
        return "passphrase_missing", "The private key needs its passphrase"
    return "key_not_read", "The private key can't be read"
