"""An MQTT broker in this process, for the demo: amqtt, which needs no program."""

import logging
from typing import Any

from amqtt.broker import Broker  # type: ignore[import-untyped]
from amqtt.contexts import BrokerConfig  # type: ignore[import-untyped]

from .processes import free_port

PROTOCOL = "3.1.1"
"""The only protocol it speaks, as Home Assistant's MQTT entry names it."""


class EmbeddedBroker:
    """Listens on 127.0.0.1, at a free port, and lets anybody in."""

    def __init__(self) -> None:
        """Make one that does not listen yet."""
        self.port = free_port()
        self._broker: Broker | None = None

    async def start(self) -> None:
        """Listen."""
        # It tells of every message; only its errors are of interest.
        for name in ("amqtt", "transitions"):
            logging.getLogger(name).setLevel(logging.ERROR)
        config: dict[str, Any] = {
            "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{self.port}"}},
            "plugins": {
                "amqtt.plugins.authentication.AnonymousAuthPlugin": {
                    "allow_anonymous": True
                }
            },
        }
        self._broker = Broker(BrokerConfig.from_dict(config))
        await self._broker.start()

    async def stop(self) -> None:
        """Listen no more."""
        broker, self._broker = self._broker, None
        if broker is not None:
            await broker.shutdown()
