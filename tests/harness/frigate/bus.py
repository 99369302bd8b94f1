"""What the parts of the simulated Frigate share: its clock and its way to MQTT."""

from collections.abc import Callable
import json
import time

from .versions import Version

type Publish = Callable[[str, bytes, bool], None]
"""Publishes to a topic: the topic, the payload, whether it is retained."""


class Bus:
    """Sends messages below a topic prefix, through `publish`.

    As with the real one, what is sent while there is no broker is lost.
    `retained` keeps what a broker would show to a new subscriber; `listeners`
    are told of all that is published.
    """

    def __init__(
        self,
        *,
        version: str,
        topic_prefix: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Begin without a broker."""
        self.version = Version.parse(version)
        self.topic_prefix = topic_prefix
        self.clock = clock
        self.publish: Publish | None = None
        self.listeners: list[Publish] = []
        self.connected = False
        self.running = True
        self.retained: dict[str, bytes] = {}

    def disconnect(self) -> None:
        """Be without a broker from now on."""
        self.connected = False

    def send(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Publish below the prefix, or drop it if not connected."""
        if not (self.connected and self.running):
            return
        topic = f"{self.topic_prefix}/{topic}"
        if retain:
            self.retained[topic] = payload
        if self.publish is not None:
            self.publish(topic, payload, retain)
        for listener in self.listeners:
            listener(topic, payload, retain)

    def send_json(self, topic: str, content: object) -> None:
        """Publish a JSON document, not retained."""
        self.send(topic, json.dumps(content).encode())
