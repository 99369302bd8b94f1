"""Private keys as people paste them: put in order, or named for what they are."""

import re
from typing import Final

_BLOCK: Final = re.compile(
    r"-----BEGIN (?P<kind>[A-Z0-9 ]*PRIVATE KEY)-----(?P<body>.*?)-----END (?P=kind)-----",
    re.DOTALL,
)
_HEADERS: Final = re.compile(
    # Of encrypted keys in the old form (RFC 1421): their algorithm and its start, one
    # block of it. The key may follow at once, and look the same.
    r"\s*(?P<proc>Proc-Type:\s*\d+,\s*ENCRYPTED)\s*(?P<dek>DEK-Info:\s*"
    r"(?:DES[\w-]*,\s*[0-9A-Fa-f]{16}|[\w-]+,\s*(?:[0-9A-Fa-f]{32}|[0-9A-Fa-f]{16})))"
)
_WIDTH: Final = 64
"""Letters of a line, as OpenSSL writes them."""

_UNSEEN: Final = str.maketrans({"\ufeff": None, "\u200b": None, "\xa0": " "})
"""What editors and web pages add."""

_KINDS: Final = (
    (
        re.compile(r"PuTTY-User-Key-File-"),
        "key_of_putty",
        "This is a key of PuTTY (.ppk). Open it in PuTTYgen, choose Conversions and "
        "Export OpenSSH key, and paste what that file holds",
    ),
    (
        re.compile(
            r"(ssh|sk-ssh|ecdsa|sk-ecdsa)-\S+ AAAA|---- BEGIN SSH2 PUBLIC"
            r"|-----BEGIN [A-Z ]*PUBLIC KEY"
        ),
        "key_is_public",
        "This is a public key: the private one is needed",
    ),
    (
        re.compile(r"-----BEGIN [A-Z ]*CERTIFICATE"),
        "key_is_certificate",
        "This is a certificate: the private key is needed",
    ),
    (
        re.compile(r"---- BEGIN SSH2 ENCRYPTED PRIVATE"),
        "key_of_ssh_com",
        "This is a key of ssh.com. Convert it to OpenSSH's form, such as by PuTTYgen, "
        "and paste that",
    ),
    (
        re.compile(r"[A-Za-z0-9+/=\s]{64,}"),
        "key_is_cut",
        "The private key lacks its first and its last line. Paste it from -----BEGIN "
        "to -----END",
    ),
    (
        re.compile(r"SHA256:|MD5:"),
        "key_is_fingerprint",
        "This is a fingerprint: the private key is needed",
    ),
    (
        re.compile(r"~?/[\w./~-]+|[A-Za-z]:\\.*"),
        "key_is_file_name",
        "This is the name of a file: paste what the file holds",
    ),
)


def tidy_key(text: str) -> str:
    r"""Return the text of a private key as it was before it was pasted.

    Line ends of Windows, indented lines, all in one line (with blanks or with `\n`
    for line ends) and text around it are put right; what is no key stays as it is.
    """
    text = text.translate(_UNSEEN).replace("\\r", "").replace("\\n", "\n")
    lines = [line.strip() for line in text.splitlines()]
    text = "\n".join(lines).strip() + "\n"
    if (block := _BLOCK.search(text)) is None:
        return text
    body, head = block["body"], ""
    if headers := _HEADERS.match(body):
        head = f"{headers['proc']}\n{headers['dek']}\n\n"
        body = body[headers.end() :]
    letters = "".join(body.split())
    rows = [letters[at : at + _WIDTH] for at in range(0, len(letters), _WIDTH)]
    kind = block["kind"]
    return "\n".join(
        [f"-----BEGIN {kind}-----", head + "\n".join(rows), f"-----END {kind}-----", ""]
    )


def name_key(text: str) -> tuple[str, str] | None:
    """Return what a text is that is no private key, as a hint and in words.

    None if it is not known.
    """
    text = text.strip()
    return next(
        ((hint, words) for kind, hint, words in _KINDS if kind.match(text)), None
    )
