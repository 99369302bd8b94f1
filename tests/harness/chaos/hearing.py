"""When Home Assistant could hear what Frigate publishes over MQTT.

A message that was published while it could not is nobody's loss.
"""

import asyncio
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
import itertools
import math
import time

import aiohttp
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from ..home_assistant import DOMAIN, HomeAssistant
from ..home_assistant_api import ApiError

_TOPIC = "hearing-test"
_INTERVAL = 0.5
_PAUSE = 0.5
# A message on its way, or taken and not yet kept, at the moment of a kill -9.
_BEFORE_FAULT = 2.0
# Home Assistant subscribes to its topics one after the other.
_AFTER_FIRST = 1.0


class Hearing:
    """Publishes a beacon, and looks when it comes out of Home Assistant.

    Say `deaf` around what keeps it from hearing.
    """

    def __init__(self, home_assistant: HomeAssistant, broker_port: int) -> None:
        """Nothing is heard before `run`."""
        self._home_assistant = home_assistant
        self._port = broker_port
        self._times: list[tuple[float, float]] = []
        self._since: float | None = None
        self._troubles = 0
        self._well_since = -math.inf

    @contextmanager
    def deaf(self) -> Iterator[None]:
        """Note that it hears nothing until, some time after this, a beacon comes."""
        self._troubles += 1
        self._close(time.time() - _BEFORE_FAULT)
        try:
            yield
        finally:
            self._troubles -= 1
            self._well_since = time.time()

    def heard(self, moment: float) -> bool:
        """Tell whether what was published then must have been heard."""
        return any(begin <= moment <= end for begin, end in self._all_times())

    def share(self, begin: float, end: float) -> float:
        """Return in which share of that time it heard: 0 to 1."""
        seconds = sum(
            max(0.0, min(end, until) - max(begin, since))
            for since, until in self._all_times()
        )
        return seconds / max(end - begin, 0.001)

    async def wait(self, *, timeout: float) -> None:
        """Wait until it hears; raises TimeoutError after that time (s)."""
        async with asyncio.timeout(timeout):
            while self._since is None:
                await asyncio.sleep(_PAUSE)

    async def run(self) -> None:
        """Go on until cancelled."""
        client = Client(CallbackAPIVersion.VERSION2, client_id="hearing")
        client.reconnect_delay_set(min_delay=1, max_delay=1)
        client.connect_async("127.0.0.1", self._port)
        client.loop_start()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._speak(client))
                group.create_task(self._listen())
        finally:
            client.disconnect()
            await asyncio.to_thread(client.loop_stop)

    async def _speak(self, client: Client) -> None:
        for number in itertools.count():
            if client.is_connected():
                client.publish(_TOPIC, f"{number} {time.time()}", retain=True)
            await asyncio.sleep(_INTERVAL)

    async def _listen(self) -> None:
        while True:
            try:
                await self._listen_once()
            except (
                # It does not run, is about to end, or has no MQTT yet.
                *(RuntimeError, TypeError, ApiError),
                *(aiohttp.ClientError, OSError, TimeoutError),
            ):
                await asyncio.sleep(_PAUSE)

    async def _listen_once(self) -> None:
        """Listen as long as this Home Assistant runs."""
        api = self._home_assistant.api
        while not any(
            entry["state"] == "loaded" for entry in await api.entries(DOMAIN)
        ):
            await asyncio.sleep(_PAUSE)
        async with aclosing(api.mqtt_messages(_TOPIC)) as messages:
            async for payload in messages:
                published = float(payload.split()[1])
                is_well = not self._troubles and published > self._well_since
                if self._since is None and is_well:
                    self._since = time.time() + _AFTER_FIRST

    def _all_times(self) -> Iterator[tuple[float, float]]:
        """Yield when it heard; the last has no end while it does."""
        yield from self._times
        if self._since is not None:
            yield self._since, math.inf

    def _close(self, moment: float) -> None:
        if self._since is not None and moment > self._since:
            self._times.append((self._since, moment))
        self._since = None
