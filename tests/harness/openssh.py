"""A real OpenSSH server on 127.0.0.1, with SFTP and nothing else."""

import asyncio
from collections.abc import Iterator, Sequence
import getpass
import os
from pathlib import Path
import signal
import socket
import subprocess
import time
from typing import Final, Self

from .processes import descendants, free_port, send_signal
from .programs import require_program

HOST: Final = "127.0.0.1"
START_TIMEOUT: Final = 15.0
STOP_TIMEOUT: Final = 10.0
START_TRIES: Final = 5

_CONFIG: Final = """\
{settings}
ListenAddress {host}:{port}
HostKey {host_key}
PidFile {folder}/sshd.pid
AuthorizedKeysFile {authorized_keys}
StrictModes no
UsePAM no
UseDNS no
PermitRootLogin yes
PubkeyAuthentication yes
PasswordAuthentication no
KbdInteractiveAuthentication no
AllowTcpForwarding no
AllowAgentForwarding no
X11Forwarding no
PermitTTY no
PermitUserRC no
MaxStartups 200
LogLevel VERBOSE
{subsystem}
ForceCommand internal-sftp {options}
"""


class OpenSshServer:
    """An `sshd` of the current user's own, for key logins of that user.

    Works as root and as a plain user. Paths on the server are those of this
    machine; `root` is the folder to store in, and where relative paths begin.
    All times are bounded; what fails raises `RuntimeError` with the log.

    Use it as an async context manager, or `start` and `stop` it.
    """

    host = HOST

    def __init__(
        self,
        folder: Path,
        *,
        key_type: str = "ed25519",
        read_only: bool = False,
        denied: Sequence[str] = (),
        settings: Sequence[str] = (),
        subsystem: str = "Subsystem sftp internal-sftp",
    ) -> None:
        """Put keys, settings, log and the root into `folder`, which is made.

        `key_type` is that of the host key, as `ssh-keygen -t` takes it. From the
        next `start` on the server refuses every change with `read_only`, and the
        requests in `denied`, which `sftp-server -Q requests` lists. `settings` are
        lines of sshd_config that come first, so they count.
        """
        self._sshd = require_program("sshd", "openssh-server")
        self._keygen = require_program("ssh-keygen", "openssh-client")
        self.username = getpass.getuser()
        self.port = 0
        self.root = folder / "root"
        self._folder = folder
        self._key_type = key_type
        self.read_only = read_only
        self.denied = list(denied)
        self._settings = "\n".join(settings)
        self._subsystem = subsystem
        self._process: subprocess.Popen[bytes] | None = None
        self.root.mkdir(parents=True, exist_ok=True)
        if len(str(folder).split()) != 1:
            raise ValueError(f"sshd takes no path with spaces: {folder}")
        self._make_key(self._host_key, key_type)
        self._make_key(self._client_key, "ed25519")
        self.authorize(self._client_key.with_suffix(".pub").read_text())

    @property
    def host_key(self) -> str:
        """The public host key as one line of type and key."""
        line = self._host_key.with_suffix(".pub").read_text()
        return " ".join(line.split()[:2])

    @property
    def fingerprint(self) -> str:
        """The host key's fingerprint, as ssh-keygen prints it (`SHA256:…`)."""
        printed = self._run(
            self._keygen, "-l", "-E", "sha256", "-f", str(self._host_key)
        )
        return printed.split()[1]

    @property
    def private_key(self) -> str:
        """The text of a private key that may log in."""
        return self._client_key.read_text()

    @property
    def log(self) -> str:
        """What the server has logged so far."""
        return self._log.read_text() if self._log.exists() else ""

    def authorize(self, public_key: str) -> None:
        """Let one more key log in, given its public line."""
        with self._authorized_keys.open("a") as file:
            file.write(public_key.strip() + "\n")

    def forbid_all(self) -> None:
        """Let no key log in any more; sessions that exist go on."""
        self._authorized_keys.write_text("")

    async def start(self) -> None:
        """Start, on the same port as before, and wait until it answers."""
        await asyncio.to_thread(self._start)

    async def stop(self) -> None:
        """End the server and its sessions."""
        await asyncio.to_thread(self._end, signal.SIGTERM)

    async def kill(self) -> None:
        """End the server and its sessions with SIGKILL, as a power cut would."""
        await asyncio.to_thread(self._end, signal.SIGKILL)

    async def cut_sessions(self) -> None:
        """End the sessions with SIGKILL; new ones can be made at once."""
        await asyncio.to_thread(self._signal, signal.SIGKILL, sessions_only=True)

    async def suspend(self) -> None:
        """Stop all work: connections stay open, nothing is answered any more."""
        await asyncio.to_thread(self._signal, signal.SIGSTOP)

    async def resume(self) -> None:
        """Go on after `suspend`."""
        await asyncio.to_thread(self._signal, signal.SIGCONT)

    async def change_host_key(self, key_type: str | None = None) -> None:
        """Get a new host key, of the same type or another, and restart."""
        running = self._process is not None
        await self.stop()
        for path in (self._host_key, self._host_key.with_suffix(".pub")):
            path.unlink()
        self._key_type = key_type or self._key_type
        self._make_key(self._host_key, self._key_type)
        if running:
            await self.start()

    def sessions(self) -> int:
        """Return the number of processes that serve connections now."""
        return len(list(self._descendants()))

    async def __aenter__(self) -> Self:
        """Start."""
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop."""
        await self.stop()

    @property
    def _host_key(self) -> Path:
        return self._folder / "host_key"

    @property
    def _client_key(self) -> Path:
        return self._folder / "client_key"

    @property
    def _authorized_keys(self) -> Path:
        return self._folder / "authorized_keys"

    @property
    def _log(self) -> Path:
        return self._folder / "sshd.log"

    def _run(self, *command: str) -> str:
        return subprocess.run(
            command, check=True, capture_output=True, text=True, timeout=60
        ).stdout

    def _make_key(self, path: Path, key_type: str) -> None:
        if not path.exists():
            self._run(self._keygen, "-q", "-t", key_type, "-N", "", "-f", str(path))

    def _start(self) -> None:
        if self._process is not None:
            raise RuntimeError("The server runs already")
        if os.geteuid() == 0:
            # Where sshd's unprivileged half is locked up; packages make it only
            # when the service starts.
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        for attempt in range(1, START_TRIES + 1):
            try:
                self._try_to_start()
            except RuntimeError:
                self._end(signal.SIGKILL)
                if attempt == START_TRIES:
                    raise
                # Somebody else may have taken the port. Keep it as long as that
                # isn't sure: clients have been told.
                time.sleep(0.2)
            else:
                return

    def _try_to_start(self) -> None:
        self.port = self.port or free_port()
        config = self._folder / "sshd_config"
        config.write_text(
            _CONFIG.format(
                host=HOST,
                port=self.port,
                folder=self._folder,
                host_key=self._host_key,
                authorized_keys=self._authorized_keys,
                options=self._options(),
                settings=self._settings,
                subsystem=self._subsystem,
            )
        )
        self._process = subprocess.Popen(
            [self._sshd, "-D", "-f", str(config), "-E", str(self._log)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + START_TIMEOUT
        while time.monotonic() < deadline and self._process.poll() is None:
            if answers(self.port):
                return
            time.sleep(0.02)
        raise RuntimeError(f"sshd did not start:\n{self.log[-2000:]}")

    def _options(self) -> str:
        options = f"-d {self.root}"
        if self.read_only:
            options += " -R"
        if self.denied:
            options += f" -P {','.join(self.denied)}"
        return options

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        family = list(descendants(process.pid))
        for pid in (*family, process.pid):
            send_signal(pid, signal.SIGKILL if pid in family else number)
            send_signal(pid, signal.SIGCONT)
        try:
            process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(STOP_TIMEOUT)

    def _signal(self, number: signal.Signals, *, sessions_only: bool = False) -> None:
        if self._process is None:
            raise RuntimeError("The server does not run")
        if not sessions_only:
            send_signal(self._process.pid, number)
        for pid in self._descendants():
            send_signal(pid, number)

    def _descendants(self) -> Iterator[int]:
        if self._process is not None:
            yield from descendants(self._process.pid)


def answers(port: int) -> bool:
    """Tell whether an SSH server greets at that port."""
    try:
        with socket.create_connection((HOST, port), timeout=2) as probe:
            return probe.recv(4) == b"SSH-"
    except OSError:
        return False
