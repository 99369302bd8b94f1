"""A real Dropbear server on 127.0.0.1 with a host key of its own."""

from collections.abc import Sequence
from pathlib import Path
import subprocess
from typing import Final, Self

from .openssh import HOST, START_TIMEOUT, answers
from .processes import Program, free_port
from .programs import require_program

_PACKAGE: Final = "dropbear-bin"


class DropbearServer:
    """A `dropbear` of the current user's own, which knows no one's keys.

    Use it as an async context manager. `arguments` are more of its own, such as
    `-T 1`, one try to log in.
    """

    host = HOST

    def __init__(self, folder: Path, *, arguments: Sequence[str] = ()) -> None:
        """Put the host key and the log into `folder`, which is made."""
        folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self._key = folder / "host_key"
        self._make_key = require_program("dropbearkey", _PACKAGE)
        self._run("-t", "ed25519")
        self._program = Program(
            [
                require_program("dropbear", _PACKAGE),
                *("-F", "-E", "-p", f"{HOST}:{self.port}", "-r", str(self._key)),
                *("-P", str(folder / "pid"), *arguments),
            ],
            log=folder / "log",
        )

    @property
    def host_key(self) -> str:
        """The public host key as one line of type and key."""
        (line,) = (line for line in self._run("-y").splitlines() if " AAAA" in line)
        return " ".join(line.split()[:2])

    async def __aenter__(self) -> Self:
        """Start and wait until it answers."""

        async def ready() -> bool:
            return answers(self.port)

        await self._program.start(ready, timeout=START_TIMEOUT)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop."""
        await self._program.stop()

    def _run(self, *arguments: str) -> str:
        return subprocess.run(
            [self._make_key, *arguments, "-f", str(self._key)],
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
        ).stdout
