"""What an SSH server asks during the login."""

from collections.abc import Sequence
from typing import override

import asyncssh
from asyncssh.auth import KbdIntPrompts, KbdIntResponse


class LoginClient(asyncssh.SSHClient):
    """Answers what the server asks during the login, and remembers how far it got.

    Each secret is sent once: servers count failed logins.
    """

    def __init__(
        self, *, password: str | None = None, private_key: asyncssh.SSHKey | None = None
    ) -> None:
        """Know the credentials. `credentials_sent` turns true with the first of them."""
        self.shown_key: asyncssh.SSHKey | None = None
        self.credentials_sent = False
        self._password = password
        self._private_key = private_key
        self._questioned = False

    @override
    def validate_host_public_key(
        self, host: str, addr: str, port: int, key: asyncssh.SSHKey
    ) -> bool:
        """Refuse a host key that is not the pinned one; remember it."""
        self.shown_key = key
        return False

    @override
    def public_key_auth_requested(self) -> Sequence[asyncssh.SSHKey] | None:
        """Offer the key, the first time."""
        key, self._private_key = self._private_key, None
        if key is None:
            return None
        self.credentials_sent = True
        return [key]

    @override
    def password_auth_requested(self) -> str | None:
        """Tell the password, the first time."""
        password, self._password = self._password, None
        self.credentials_sent |= password is not None
        return password

    @override
    def kbdint_auth_requested(self) -> str | None:
        """Agree to be questioned, once, if there is a password left to tell.

        One that was refused is not sent again: servers count bad logins.
        """
        if self._questioned or self._password is None:
            return None
        self._questioned = True
        return ""

    @override
    def kbdint_challenge_received(
        self, name: str, instructions: str, lang: str, prompts: KbdIntPrompts
    ) -> KbdIntResponse | None:
        """Answer the one hidden question, whatever its language, by the password."""
        if not prompts:
            return []
        if len(prompts) > 1 or prompts[0][1]:
            return None
        password = self.password_auth_requested()
        return None if password is None else [password]
