"""A real ProFTPD server on 127.0.0.1 that speaks SFTP (mod_sftp) and nothing else."""

from collections.abc import Awaitable, Callable, Sequence
import getpass
import grp
import os
from pathlib import Path
import signal
import subprocess
from typing import Final, Self

import asyncssh

from .openssh import HOST, START_TIMEOUT, STOP_TIMEOUT, answers
from .processes import Program, descendants, free_port, send_signal, wait_until
from .programs import require_program

USERNAME: Final = "camera"

READ_ONLY: Final = ("<Limit WRITE>", "DenyAll", "</Limit>")
"""Lines that refuse every change."""

NO_DOT_FILES: Final = (r'PathDenyFilter "(^|/)\\.[^/]*$"',)
"""Refuse names that begin with a dot, as some hosters do."""

_MODULES: Final = ("/usr/lib/proftpd", "/usr/libexec/proftpd", "/usr/lib64/proftpd")
"""Where distributions put the modules."""

_CONFIG: Final = """\
{modules}
ServerName test
ServerType standalone
DefaultAddress {host}
Port {port}
SocketBindTight on
UseIPv6 off
UseReverseDNS off
WtmpLog off
User {user}
Group {group}
PidFile {folder}/proftpd.pid
ScoreboardFile {folder}/proftpd.scoreboard
DelayEngine off
MaxInstances 200
RequireValidShell off
RootLogin on
AuthPAM off
AuthOrder mod_auth_file.c
AuthUserFile {folder}/users
AuthGroupFile {folder}/groups
AllowOverwrite on
UseSendfile off
SystemLog {folder}/proftpd.log
SFTPEngine on
SFTPLog {folder}/sftp.log
SFTPHostKey {folder}/host_key
SFTPAuthMethods publickey
SFTPAuthorizedUserKeys file:{folder}/authorized_keys
{settings}
"""


class ProFtpdServer:
    """A `proftpd` of the current user's own, for key logins.

    Works as root and as a plain user. Paths on the server are those of this
    machine; `root` is the folder to store in, and where relative paths begin.

    Use it as an async context manager, or `start` and `stop` it.
    """

    host = HOST
    username = USERNAME

    def __init__(self, folder: Path, *, settings: Sequence[str] = ()) -> None:
        """Put keys, settings, log and the root into `folder`, which is made.

        `settings` are more lines of ProFTPD's configuration. They, and whether
        it is `read_only`, count from the next `start`.
        """
        program = require_program("proftpd", "proftpd-core")
        self._keygen = require_program("ssh-keygen", "openssh-client")
        self._modules = _find_modules()
        self.settings = list(settings)
        self.read_only = False
        self.port = 0
        self.root = folder / "root"
        self.root.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._config = folder / "proftpd.conf"
        self._program = Program(
            [program, "--nodaemon", "--quiet", "--config", self._config],
            log=folder / "output.log",
        )
        self._make_keys()
        self._make_users()

    @property
    def host_key(self) -> str:
        """The public host key as one line of type and key."""
        line = (self._folder / "host_key.pub").read_text()
        return " ".join(line.split()[:2])

    @property
    def fingerprint(self) -> str:
        """The host key's fingerprint, as ssh-keygen prints it (`SHA256:…`)."""
        return asyncssh.import_public_key(self.host_key).get_fingerprint()

    @property
    def private_key(self) -> str:
        """The text of a private key that may log in."""
        return (self._folder / "client_key").read_text()

    @property
    def log(self) -> str:
        """What the server has logged so far."""
        logs = (self._folder / name for name in ("proftpd.log", "sftp.log"))
        return "".join(log.read_text(errors="replace") for log in logs if log.exists())

    def authorize(self, public_key: str) -> None:
        """Let one more key log in, given its public line."""
        key = asyncssh.import_public_key(public_key)
        with (self._folder / "authorized_keys").open("ab") as file:
            file.write(key.export_public_key("rfc4716"))

    async def start(self) -> None:
        """Start, on the same port as before, and wait until it answers."""
        self.port = self.port or free_port()
        self._config.write_text(
            _CONFIG.format(
                modules=self._modules,
                host=HOST,
                port=self.port,
                folder=self._folder,
                user=getpass.getuser(),
                group=grp.getgrgid(os.getegid()).gr_name,
                settings="\n".join(
                    [*self.settings, *(READ_ONLY if self.read_only else ())]
                ),
            )
        )

        async def ready() -> bool:
            return answers(self.port)

        try:
            await self._program.start(ready, timeout=START_TIMEOUT)
        except Exception as err:
            raise RuntimeError(f"{err}\n{self.log[-2000:]}") from err

    async def stop(self) -> None:
        """End the server and its sessions."""
        await self._end(self._program.stop)

    async def kill(self) -> None:
        """End the server and its sessions with SIGKILL, as a power cut would."""
        await self._end(self._program.kill)

    async def cut_sessions(self) -> None:
        """End the sessions with SIGKILL; new ones can be made at once."""
        for session in self._sessions():
            send_signal(session, signal.SIGKILL)

    async def suspend(self) -> None:
        """Stop all work: connections stay open, nothing is answered any more."""
        self._signal_all(signal.SIGSTOP)

    async def resume(self) -> None:
        """Work again after `suspend`."""
        self._signal_all(signal.SIGCONT)

    def _sessions(self) -> list[int]:
        pid = self._program.pid
        return [] if pid is None else list(descendants(pid))

    def _signal_all(self, number: signal.Signals) -> None:
        pid = self._program.pid
        if pid is None:
            raise RuntimeError("The server does not run")
        for each in (pid, *self._sessions()):
            send_signal(each, number)

    async def _end(self, end: Callable[[], Awaitable[object]]) -> None:
        sessions = self._sessions()
        await end()
        for session in sessions:
            send_signal(session, signal.SIGKILL)

        async def ended() -> bool:
            return not any(Path(f"/proc/{session}").exists() for session in sessions)

        await wait_until(ended, "the sessions' end", timeout=STOP_TIMEOUT)

    async def __aenter__(self) -> Self:
        """Start."""
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop."""
        await self.stop()

    def _make_keys(self) -> None:
        for name in ("host_key", "client_key"):
            path = self._folder / name
            if not path.exists():
                subprocess.run(
                    [self._keygen, "-q", "-t", "ed25519", "-N", "", "-f", str(path)],
                    check=True,
                    timeout=60,
                )
        # The form of RFC 4716, which is the one that ProFTPD reads.
        public = asyncssh.read_public_key(self._folder / "client_key.pub")
        (self._folder / "authorized_keys").write_bytes(
            public.export_public_key("rfc4716")
        )

    def _make_users(self) -> None:
        users, groups = self._folder / "users", self._folder / "groups"
        users.write_text(
            f"{USERNAME}:*:{os.geteuid()}:{os.getegid()}::{self.root}:/bin/sh\n"
        )
        groups.write_text(f"camera:x:{os.getegid()}:{USERNAME}\n")
        for path in (users, groups):
            path.chmod(0o600)


def _find_modules() -> str:
    """Return the lines that load what is no part of the program itself."""
    for folder in map(Path, _MODULES):
        if (folder / "mod_sftp.so").exists():
            return f"ModulePath {folder}\nLoadModule mod_sftp.c"
    require_program("proftpd-mod-sftp", "proftpd-mod-crypto")
    raise AssertionError
