"""Logging in over HTTP: Basic and Digest, as the server asks for it."""

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
import hashlib
import re
from secrets import token_hex
from typing import Final

_PART: Final = re.compile(
    r"""[\s,]*([\w!#$%&'*+.^`|~/-]+)(?:\s*=\s*("(?:[^"\\]|\\.)*"|[^\s,"]*))?"""
)
"""A scheme, or a name and its value, in a `WWW-Authenticate` header."""

_HASHES: Final = {"MD5": "md5", "SHA-256": "sha256"}
"""The algorithms of Digest, the names in Python of their hashes."""

_SESSION: Final = "-SESS"

_MAX_HEADER: Final = 8192
"""Characters of a server's challenges that are read."""


@dataclass(frozen=True, slots=True)
class Challenge:
    """How a server wants us to log in: `basic` or `digest`, with its parameters."""

    scheme: str
    values: Mapping[str, str]

    @property
    def algorithm(self) -> str:
        """Return the algorithm of Digest, in capitals."""
        return self.values.get("algorithm", "MD5").upper()

    @property
    def is_known(self) -> bool:
        """Tell whether we can answer it."""
        if self.scheme == "basic":
            return True
        qop = self.values.get("qop")
        return (
            self.scheme == "digest"
            and self.algorithm.removesuffix(_SESSION) in _HASHES
            and bool(self.values.get("nonce"))
            and (qop is None or "auth" in re.split(r"[\s,]+", qop))
        )


def parse_challenges(headers: Iterable[str]) -> list[Challenge]:
    """Return the challenges of `WWW-Authenticate` headers, in their order."""
    found: list[tuple[str, dict[str, str]]] = []
    for header in headers:
        for match in _PART.finditer(header[:_MAX_HEADER]):
            name, value = match[1].lower(), match[2]
            if value is None:
                found.append((name, {}))
            elif found:
                if value.startswith('"'):
                    value = re.sub(r"\\(.)", r"\1", value[1:-1])
                found[-1][1].setdefault(name, value)
    return [Challenge(scheme, values) for scheme, values in found]


class Login:
    """The way to log in that a server has asked for, and the header that does it.

    Nothing is sent before it has asked. It is Digest where it is offered, which shows
    no password to who listens.
    """

    def __init__(self, username: str, password: str) -> None:
        """Know no challenge yet."""
        self._username = username
        self._password = password
        self._challenge: Challenge | None = None
        self._count = 0
        self._worked = False

    @property
    def challenge(self) -> Challenge | None:
        """Return the challenge that is answered now."""
        return self._challenge

    def forget(self) -> None:
        """Wait to be asked again."""
        self._challenge = None
        self._worked = False

    def succeed(self, used: Challenge | None) -> None:
        """Note that the server took what was sent for this challenge."""
        if used is not None and used is self._challenge:
            self._worked = True

    def refused(self, headers: Iterable[str], used: Challenge | None) -> bool:
        """Note a refusal of what was sent; tell whether it is worth another try.

        `used` is the challenge that was answered, None if nothing was sent.
        """
        if not self._username:
            return False
        if self._challenge is not used:
            return True  # Another request has learned more meanwhile.
        known = [each for each in parse_challenges(headers) if each.is_known]
        known.sort(key=_strength, reverse=True)
        if not known:
            return False
        new = known[0]
        if used is not None and not self._is_stale(used, new):
            return False
        self._challenge, self._count, self._worked = new, 0, False
        return True

    def header(self, method: str, target: str) -> str | None:
        """Return the value of `Authorization` for a request, None to send none."""
        challenge = self._challenge
        if challenge is None:
            return None
        if challenge.scheme == "basic":
            text = f"{self._username}:{self._password}".encode()
            return f"Basic {base64.b64encode(text).decode()}"
        self._count += 1
        return digest(
            challenge,
            self._username,
            self._password,
            method=method,
            target=target,
            count=self._count,
            client_nonce=token_hex(16),
        )

    def _is_stale(self, used: Challenge, new: Challenge) -> bool:
        """Tell whether not the password, but only the nonce was refused."""
        if used.scheme != new.scheme:
            return new.scheme == "digest"
        if new.scheme == "basic":
            return False
        return new.values.get("stale", "").lower() == "true" or (
            # Some servers don't say it.
            self._worked and new.values["nonce"] != used.values["nonce"]
        )


def digest(
    challenge: Challenge,
    username: str,
    password: str,
    *,
    method: str,
    target: str,
    count: int,
    client_nonce: str,
) -> str:
    """Return the answer to a challenge of Digest (RFC 7616) for one request."""
    values = challenge.values
    realm, nonce = values.get("realm", ""), values["nonce"]
    name = _HASHES[challenge.algorithm.removesuffix(_SESSION)]

    def hashed(*parts: str) -> str:
        text = ":".join(parts).encode()
        return hashlib.new(name, text, usedforsecurity=False).hexdigest()

    secret = hashed(username, realm, password)
    if challenge.algorithm.endswith(_SESSION):
        secret = hashed(secret, nonce, client_nonce)
    asked = hashed(method, target)
    number = f"{count:08x}"
    fields = {
        "username": _quoted(username),
        "realm": _quoted(realm),
        "nonce": _quoted(nonce),
        "uri": _quoted(target),
    }
    if "algorithm" in values:
        fields["algorithm"] = values["algorithm"]
    if "opaque" in values:
        fields["opaque"] = _quoted(values["opaque"])
    if "qop" in values:
        response = hashed(secret, nonce, number, client_nonce, "auth", asked)
        fields |= {"qop": "auth", "nc": number, "cnonce": _quoted(client_nonce)}
    else:
        response = hashed(secret, nonce, asked)
    fields["response"] = _quoted(response)
    return "Digest " + ", ".join(f"{key}={value}" for key, value in fields.items())


def _strength(challenge: Challenge) -> int:
    if challenge.scheme == "basic":
        return 0
    return 2 if "SHA-256" in challenge.algorithm else 1


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
