"""The simulated Frigate's MQTT client: a real one, to a real broker."""

import asyncio
from collections.abc import Callable
import contextlib
from typing import Self

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from .core import Frigate

_FIRST_STATS = 15
_STATS_INTERVAL = 60
_KEEPALIVE = 60


class MqttLink:
    """Connects a `Frigate` to a broker, as its own client does.

    MQTT 3.1.1, a clean session, everything at QoS 0 but the last will; it comes
    back by itself when the broker was away, and tells all states again. A context
    manager.
    """

    def __init__(self, frigate: Frigate, host: str, port: int) -> None:
        """Make one that is not connected yet."""
        self._frigate = frigate
        self._host, self._port = host, port
        self._client: Client | None = None
        self._stats: asyncio.Task[None] | None = None
        self._connected = asyncio.Event()

    async def start(self, *, timeout: float = 20) -> None:
        """Connect, and return when all initial states are published.

        Raises TimeoutError if the broker can't be reached in that time (s); it has
        stopped then.
        """
        loop = asyncio.get_running_loop()
        client = self._client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._frigate.client_id,
            protocol=MQTTProtocolVersion.MQTTv311,
        )
        client.will_set(*self._frigate.last_will(), qos=1, retain=True)
        client.reconnect_delay_set(min_delay=1, max_delay=2)

        # Called on the client's own thread; what they do happens on the loop.
        def on_connect(
            client: Client,
            _data: object,
            _flags: ConnectFlags,
            reason: ReasonCode,
            _properties: Properties | None,
        ) -> None:
            if not reason.is_failure:
                client.subscribe(f"{self._frigate.topic_prefix}/#")
                _call(loop, self._on_connect, client)

        def on_disconnect(
            client: Client,
            _data: object,
            _flags: DisconnectFlags,
            _reason: ReasonCode,
            _properties: Properties | None,
        ) -> None:
            _call(loop, self._on_disconnect, client)

        def on_message(client: Client, _data: object, message: MQTTMessage) -> None:
            if not message.retain:
                _call(
                    loop, self._frigate.handle_message, message.topic, message.payload
                )

        client.on_connect = on_connect
        client.on_disconnect = on_disconnect
        client.on_message = on_message
        client.connect_async(self._host, self._port, keepalive=_KEEPALIVE)
        client.loop_start()
        try:
            async with asyncio.timeout(timeout):
                await self._connected.wait()
        except BaseException:
            await self.stop()
            raise
        self._stats = asyncio.create_task(self._publish_stats())

    def _on_connect(self, client: Client) -> None:
        if client is not self._client:
            return

        def publish(topic: str, payload: bytes, retain: bool) -> None:
            client.publish(topic, payload, retain=retain)

        self._frigate.publish = publish
        self._frigate.connect()
        self._connected.set()

    def _on_disconnect(self, client: Client) -> None:
        if client is self._client:
            self._connected.clear()
            self._frigate.disconnect()

    async def _publish_stats(self) -> None:
        await asyncio.sleep(_FIRST_STATS)
        while True:
            self._frigate.send_json("stats", self._frigate.stats())
            await asyncio.sleep(_STATS_INTERVAL)

    async def stop(self) -> None:
        """Leave the broker as Frigate does when it is stopped."""
        if self._client is not None:
            self._frigate.stop()
            client = self._release()
            client.disconnect()
            await asyncio.to_thread(client.loop_stop)

    async def __aenter__(self) -> Self:
        """Connect."""
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Leave."""
        await self.stop()

    async def cut(self) -> None:
        """Break the connection without a word, as by `kill -9`.

        The broker publishes the last will. Use `start` to come back.
        """
        if self._client is not None:
            client = self._release()
            # Ends the thread and sends no DISCONNECT.
            await asyncio.to_thread(client.loop_stop)
            if (sock := client.socket()) is not None:
                sock.close()

    def _release(self) -> Client:
        client, self._client = self._client, None
        if client is None:
            raise RuntimeError("Not started")
        self._frigate.disconnect()
        self._connected.clear()
        stats, self._stats = self._stats, None
        if stats is not None:
            stats.cancel()
        return client


def _call[*Ts](
    loop: asyncio.AbstractEventLoop, function: Callable[[*Ts], None], *args: *Ts
) -> None:
    """Call it on the loop, if that still runs."""
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(function, *args)
