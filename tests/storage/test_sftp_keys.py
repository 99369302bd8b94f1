"""SSH keys: made, read, refused, and fetched from a server."""

import asyncio
from collections.abc import Callable
from pathlib import Path
import subprocess

import asyncssh
from asyncssh.sk_eddsa import _SKEd25519Key
from hypothesis import given, settings, strategies as st
import pytest

from custom_components.frigate_snap_sync.storage.errors import (
    ConnectTimeout,
    InvalidKey,
    NoSftp,
    Unreachable,
    Unusable,
)
from custom_components.frigate_snap_sync.storage.sftp.destination import (
    KeyPair,
    fetch_host_key,
    generate_key_pair,
    load_private_key,
)
from custom_components.frigate_snap_sync.storage.sftp.host_keys import (
    HOST_KEY_ALGORITHMS,
    algorithms_for,
    load_public_key,
)

from ..harness.openssh import OpenSshServer
from ..harness.programs import require_program
from ..harness.sftp_server import SftpServer

HOST = "127.0.0.1"


def keygen(path: Path, *arguments: str) -> str:
    """Make a key with OpenSSH's own program and return its text."""
    program = require_program("ssh-keygen", "openssh-client")
    subprocess.run([program, "-q", "-f", str(path), *arguments], check=True, timeout=60)
    return path.read_text()


def public_half(path: Path) -> str:
    """Return the public line of a private key, as OpenSSH derives it."""
    program = require_program("ssh-keygen", "openssh-client")
    return subprocess.run(
        [program, "-y", "-f", str(path)],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    ).stdout


def openssl(*arguments: str) -> str:
    """Run OpenSSL's own program and return what it writes."""
    return subprocess.run(
        [require_program("openssl", "openssl"), *arguments],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    ).stdout


async def test_generated_key_pair(tmp_path: Path) -> None:
    """A pair that OpenSSH understands, whose halves belong together."""
    pair = await generate_key_pair("camera@home")
    assert pair.public_key.startswith("ssh-ed25519 AAAA")
    assert pair.public_key.endswith(" camera@home")
    assert "PRIVATE" not in repr(pair)
    path = tmp_path / "key"
    path.write_text(pair.private_key)
    path.chmod(0o600)
    assert public_half(path).split()[:2] == pair.public_key.split()[:2]
    assert pair != await generate_key_pair("camera@home")
    assert isinstance(pair, KeyPair)


@pytest.mark.parametrize(
    "kind",
    [
        ("-t", "ed25519"),
        ("-t", "ecdsa"),
        ("-t", "rsa", "-b", "2048"),
        ("-t", "rsa", "-b", "2048", "-m", "PEM"),
        ("-t", "rsa", "-b", "2048", "-m", "PKCS8"),
    ],
    ids=" ".join,
)
async def test_private_keys_of_openssh(tmp_path: Path, kind: tuple[str, ...]) -> None:
    """Plain and encrypted keys of each form are read; the mistake is named."""
    plain = keygen(tmp_path / "plain", "-N", "", *kind)
    assert (await load_private_key(plain)).get_algorithm()
    pasted = "\n  " + plain.strip().replace("\n", "\r\n")
    assert await load_private_key(pasted, "") == await load_private_key(plain)

    encrypted = keygen(tmp_path / "encrypted", "-N", "the passphrase", *kind)
    assert await load_private_key(encrypted, "the passphrase")
    for missing in (None, ""):
        with pytest.raises(InvalidKey, match="needs its passphrase"):
            await load_private_key(encrypted, missing)
    with pytest.raises(InvalidKey, match="passphrase of the private key is wrong"):
        await load_private_key(encrypted, "another")

    public = (tmp_path / "plain.pub").read_text()
    with pytest.raises(InvalidKey, match="public key"):
        await load_private_key(public)
    with pytest.raises(InvalidKey, match="can't be read"):
        await load_private_key(plain[: len(plain) // 2])


@pytest.mark.parametrize(
    "kind",
    [
        ("-t", "ed25519"),
        ("-t", "ecdsa"),
        ("-t", "rsa", "-b", "2048", "-m", "PEM"),
        ("-t", "rsa", "-b", "2048", "-m", "PKCS8"),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("passphrase", ["", "the passphrase"])
async def test_keys_as_they_are_pasted(
    tmp_path: Path, kind: tuple[str, ...], passphrase: str
) -> None:
    """Whatever became of the lines, the key is the same."""
    text = keygen(tmp_path / "key", "-N", passphrase, *kind)
    key = await load_private_key(text, passphrase)
    for pasted in (
        text.replace("\n", "\r\n"),
        text.replace("\n", "\r"),
        text.strip(),
        "\n\n" + text.replace("\n", "\n\n"),
        "".join(f"      {line}\n" for line in text.splitlines()),
        "".join(f"\t{line}  \n" for line in text.splitlines()),
        " ".join(text.splitlines()),
        "".join(text.splitlines()),
        text.strip().replace("\n", "\\n"),
        text.strip().replace("\n", "\\r\\n"),
        "\ufeff" + text,
        text.replace("\n", "\xa0\n"),
        f"My key:\n{text}Don't lose it.\n",
    ):
        assert await load_private_key(pasted, passphrase) == key, pasted


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nComment: eddsa\n"
            "Public-Lines: 2\nAAAAC3NzaC1lZDI1NTE5AAAAI\nPrivate-Lines: 1\nAAAAI\n",
            "of PuTTY .* Export OpenSSH key",
        ),
        ("PuTTY-User-Key-File-2: ssh-rsa\r\nEncryption: aes256-cbc\r\n", "of PuTTY"),
        ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI camera@home", "is a public key"),
        ("  ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTIt\n", "is a public key"),
        ("sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1", "is a public key"),
        ("---- BEGIN SSH2 PUBLIC KEY ----\nAAAAC3Nz\n", "is a public key"),
        (
            "-----BEGIN PUBLIC KEY-----\nMCowBQ\n-----END PUBLIC KEY-----",
            "a public key",
        ),
        ("-----BEGIN RSA PUBLIC KEY-----\nMIIB\n", "a public key"),
        ("-----BEGIN CERTIFICATE-----\nMIIB\n", "a certificate"),
        ("---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\nx\n", "of ssh.com"),
        (
            "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2g\n" * 3,
            "lacks",
        ),
        ("SHA256:jMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMz", "a fingerprint"),
        ("/config/.ssh/id_ed25519", "the name of a file"),
        ("~/.ssh/id_rsa", "the name of a file"),
        ("C:\\Users\\me\\.ssh\\id_rsa", "the name of a file"),
        ("my password", "can't be read"),
    ],
)
async def test_what_is_no_private_key(text: str, words: str) -> None:
    """It is named, and never repeated."""
    with pytest.raises(InvalidKey, match=words) as raised:
        await load_private_key(text)
    assert text.strip() not in str(raised.value)


@pytest.mark.parametrize("cipher", ["des3-cbc", "aes128-cbc", "aes256-cbc"])
async def test_old_ciphers_in_one_line(cipher: str) -> None:
    """Where the key follows its first block at once, each begins where it should."""
    made = asyncssh.generate_private_key("ecdsa-sha2-nistp256")
    text = made.export_private_key("pkcs1-pem", "secret", cipher).decode()
    for pasted in (text, "".join(text.splitlines())):
        key = await load_private_key(pasted, "secret")
        assert key.public_data == made.public_data


@pytest.mark.parametrize(
    ("form", "options"),
    [
        ("PKCS8", ["pkcs8", "-topk8", "-scrypt"]),
        ("PEM", ["rsa", "-traditional", "-camellia128"]),
    ],
)
async def test_unknown_ways_to_encrypt(
    tmp_path: Path, form: str, options: list[str]
) -> None:
    """The passphrase is not to blame, right or wrong."""
    keygen(tmp_path / "key", "-N", "", "-t", "rsa", "-b", "2048", "-m", form)
    text = openssl(*options, "-in", f"{tmp_path}/key", "-passout", "pass:secret")
    for passphrase in ("secret", "another"):
        with pytest.raises(InvalidKey, match="ssh-keygen -p") as raised:
            await load_private_key(text, passphrase)
        assert raised.value.hint == "key_cipher_unknown"
    with pytest.raises(InvalidKey, match="needs its passphrase"):
        await load_private_key(text)


@pytest.mark.parametrize(
    ("make", "hint"),
    [
        (
            lambda: _SKEd25519Key(bytes(range(32)), "ssh:", 1, b"handle"),
            "key_of_hardware",
        ),
        (lambda: asyncssh.generate_private_key("ssh-dss"), "key_outdated"),
    ],
    ids=["hardware", "dsa"],
)
async def test_keys_that_can_not_log_in(
    make: Callable[[], asyncssh.SSHKey], hint: str
) -> None:
    """They can be read, but no login would ever work."""
    text = make().export_private_key("openssh").decode()
    with pytest.raises(InvalidKey) as raised:
        await load_private_key(text)
    assert raised.value.hint == hint


@given(st.text(max_size=300), st.none() | st.text(max_size=20))
@settings(max_examples=50, deadline=None)
def test_no_key_at_all(text: str, passphrase: str | None) -> None:
    """Whatever is pasted, it is a key or InvalidKey, which does not repeat it."""
    text = f"-----BEGIN OPENSSH PRIVATE KEY-----\n{text}"
    with pytest.raises(InvalidKey) as raised:
        asyncio.run(load_private_key(text, passphrase))
    assert str(raised.value) in {
        "The private key can't be read",
        "The private key needs its passphrase",
    }


def test_pinned_key_that_is_none() -> None:
    """A damaged pinned key is no matter of the login."""
    for line in ("", "ssh-ed25519", "ssh-ed25519 AAAA", "\ud800"):
        with pytest.raises(Unusable):
            load_public_key(line)


def test_algorithms() -> None:
    """What proves the pinned key comes first; an RSA key is proven by SHA-2 alone."""
    for kind, first in (
        ("ssh-rsa", ["rsa-sha2-512", "rsa-sha2-256", "ssh-ed25519"]),
        ("ssh-ed25519", ["ssh-ed25519", "ecdsa-sha2-nistp256"]),
        ("ecdsa-sha2-nistp384", ["ecdsa-sha2-nistp384", "ssh-ed25519"]),
    ):
        algorithms = algorithms_for(asyncssh.generate_private_key(kind))
        assert algorithms[: len(first)] == first
        assert set(algorithms) == set(HOST_KEY_ALGORITHMS)


@pytest.mark.parametrize(
    ("kind", "algorithm"),
    [("ed25519", "ssh-ed25519"), ("rsa", "ssh-rsa"), ("ecdsa", "ecdsa-sha2-nistp256")],
)
async def test_fetch_host_key(tmp_path: Path, kind: str, algorithm: str) -> None:
    """The key that OpenSSH shows, with the fingerprint that it prints."""
    async with OpenSshServer(tmp_path / "server", key_type=kind) as server:
        key = await fetch_host_key(server.host, server.port)
        assert key.line == server.host_key
        assert key.algorithm == algorithm
        assert key.fingerprint == server.fingerprint
    assert "Accepted" not in server.log
    assert "Failed" not in server.log


async def test_fetch_the_best_of_several(tmp_path: Path) -> None:
    """A server that has an old and a new key shows the new one."""
    async with SftpServer(tmp_path) as server:
        await server.stop()
        server.more_keys = [asyncssh.generate_private_key("ssh-rsa")]
        await server.start()
        key = await fetch_host_key(HOST, server.port)
        assert key.line == server.host_key
        assert server.behavior.log_ins == 0


async def test_fetch_from_nobody() -> None:
    """A closed port, a silent one, and one that is no SSH server."""

    async def silent(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)

    async def web(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    writers: list[asyncio.StreamWriter] = []
    for answer, cause in ((silent, ConnectTimeout), (web, Unreachable)):
        listener = await asyncio.start_server(answer, HOST, 0)
        port = listener.sockets[0].getsockname()[1]
        with pytest.raises(cause):
            await fetch_host_key(HOST, port, timeout=0.3)
        listener.close()
        for writer in writers:
            writer.close()
    with pytest.raises(Unreachable):
        await fetch_host_key(HOST, port)
    with pytest.raises(Unusable, match="no address"):
        await fetch_host_key(HOST, 70000)


async def test_fetch_a_key_that_can_not_be_used(tmp_path: Path) -> None:
    """A server with nothing but SHA-1 is refused."""
    async with SftpServer(tmp_path, key_type="ssh-rsa") as server:
        await server.stop()
        server.options["signature_algs"] = ["ssh-rsa"]
        server.options["encryption_algs"] = ["aes256-cbc"]
        await server.start()
        with pytest.raises(NoSftp, match="offers no usable SFTP"):
            await fetch_host_key(HOST, server.port)
