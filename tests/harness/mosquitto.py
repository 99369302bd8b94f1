"""A real Mosquitto broker, on 127.0.0.1."""

from pathlib import Path
from typing import Self

from .processes import Program, free_port, listens
from .programs import require_program


class Mosquitto:
    """Runs in `folder`; keeps its port when started again. A context manager.

    `persistent`: retained messages outlive a restart, as with the add-on of
    Home Assistant.
    """

    def __init__(self, folder: Path, *, persistent: bool = False) -> None:
        """Make one that does not run; fails a test if Mosquitto isn't installed."""
        folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        config = folder / "mosquitto.conf"
        lines = [
            f"listener {self.port} 127.0.0.1",
            "allow_anonymous true",
            f"persistence {'true' if persistent else 'false'}",
            f"persistence_location {folder}/",
            "log_dest stderr",
            # Started by root it would become another user, who may not enter
            # the folder; started by anybody else it ignores this.
            "user root",
        ]
        config.write_text("\n".join(lines) + "\n")
        self._program = Program(
            [require_program("mosquitto", "mosquitto"), "-c", config],
            log=folder / "mosquitto.log",
        )

    async def start(self) -> None:
        """Start it and wait until it listens."""

        async def ready() -> bool:
            return await listens(self.port)

        await self._program.start(ready, timeout=20)

    async def stop(self) -> None:
        """Stop it in an orderly way: it publishes last wills, and saves."""
        await self._program.stop()

    async def kill(self) -> None:
        """Let it die at once."""
        await self._program.kill()

    async def __aenter__(self) -> Self:
        """Start."""
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop."""
        await self.stop()
