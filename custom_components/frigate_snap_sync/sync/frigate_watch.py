"""Keeps an eye on Frigate: is it there, which cameras has it, what are their switches."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
import logging
import time

from ..frigate.client import FrigateClient
from ..frigate.errors import (
    FrigateError,
    FrigateForbidden,
    FrigateServerError,
    MediaBroken,
    MediaGone,
    MediaNotReady,
)
from ..frigate.models import CameraConfig, FrigateConfig
from .policy import Timing

_LOGGER = logging.getLogger(__name__)

_FIRST_RETRY = 5.0
_CONFIG_EVERY = 300.0


class FrigateWatch:
    """Asks Frigate regularly, at once when told to, and more slowly while it is away.

    `on_config` is awaited with each configuration read; `on_change` is called
    when something shown has changed.
    """

    def __init__(
        self,
        client: FrigateClient,
        *,
        name: str,
        timing: Timing,
        delay_after_startup: float,
        on_config: Callable[[FrigateConfig], Awaitable[None]],
        on_change: Callable[[], None],
    ) -> None:
        """Keep what it works with; nothing is asked before `run`."""
        self.version: str | None = None
        self.answers = asyncio.Event()
        """Set while the API answers."""
        self.released = asyncio.Event()
        """Clear while Frigate runs for less than `delay_after_startup` seconds."""
        self.released.set()
        self._client = client
        self._name = name
        self._timing = timing
        self._delay = delay_after_startup
        self._on_config = on_config
        self._on_change = on_change
        self._asked = False
        self._is_offline = False
        self._news = asyncio.Event()
        self._release: asyncio.TimerHandle | None = None
        self._config_at = 0.0
        self._switches: dict[tuple[str, str], tuple[bool, float]] = {}

    @property
    def connected(self) -> bool | None:
        """Tell whether Frigate is there; None until it was asked once."""
        if not self._asked:
            return None
        return self.answers.is_set() and not self._is_offline

    def is_on(self, camera: str, switch: str) -> bool | None:
        """Return a camera's switch (`snapshots`, `recordings`), None if unknown."""
        known = self._switches.get((camera, switch))
        return None if known is None else known[0]

    def set_switch(self, camera: str, switch: str, on: bool) -> None:
        """Note what MQTT says of a camera's switch."""
        self._switches[camera, switch] = (on, time.monotonic())
        self._on_change()

    def set_available(self, online: bool) -> None:
        """Note what MQTT says of Frigate's availability.

        When it comes online, its configuration is read anew: the states that
        it has just published may be the configured, not the live ones.
        """
        self._is_offline = not online
        self.refresh()
        self._on_change()

    def set_activity(self, cameras: Mapping[str, CameraConfig]) -> None:
        """Note the live switches of cameras."""
        self._learn(cameras, asked_at=time.monotonic())
        self._on_change()

    def refresh(self) -> None:
        """Read the configuration now, or as soon as Frigate answers."""
        self._config_at = 0.0
        self._news.set()

    def failed(self, error: FrigateError) -> None:
        """Note that a request of somebody else showed that Frigate is away."""
        self._lose(error)
        self._news.set()

    async def run(self) -> None:
        """Watch until cancelled."""
        try:
            await self._watch()
        finally:
            self._let_go()

    async def _watch(self) -> None:
        delay = 0.0
        while True:
            self._news.clear()
            try:
                await self._poll()
            except FrigateError as err:
                self._lose(err)
                delay = min(max(delay * 2, _FIRST_RETRY), self._timing.poll)
                # Requests to refresh must not turn into a storm of requests.
                await asyncio.sleep(1)
            else:
                delay = self._timing.poll
            try:
                async with asyncio.timeout(delay):
                    await self._news.wait()
            except TimeoutError:
                continue

    async def _poll(self) -> None:
        asked_at = time.monotonic()
        version = str(await self._client.version())
        if not self.answers.is_set() or not self._config_at:
            await self._hold_back()
        if not self._config_at or asked_at - self._config_at > _CONFIG_EVERY:
            config = await self._client.config()
            self._config_at = asked_at
            self._learn(config.cameras, asked_at=asked_at)
            await self._on_config(config)
        if not self.answers.is_set():
            if self._asked:
                _LOGGER.info("Frigate %s is back", self._name)
            self.answers.set()
        self._asked = True
        self.version = version
        self._on_change()

    async def _hold_back(self) -> None:
        """Wait with all uploads until Frigate has run long enough."""
        if not self._delay:
            return
        remaining = self._delay - await self._client.uptime()
        self._let_go()
        if remaining > 0:
            self.released.clear()
            loop = asyncio.get_running_loop()
            self._release = loop.call_later(remaining, self._let_go)

    def _let_go(self) -> None:
        if self._release is not None:
            self._release.cancel()
            self._release = None
        self.released.set()

    def _lose(self, error: FrigateError) -> None:
        if self.answers.is_set() or not self._asked:
            _LOGGER.warning(
                "Frigate %s is away and is asked until it is back: %s",
                self._name,
                error,
            )
        self.answers.clear()
        self._let_go()  # What the spool holds shall leave all the same.
        self._asked = True
        self._on_change()

    def _learn(self, cameras: Mapping[str, CameraConfig], *, asked_at: float) -> None:
        """Take over the live switches, but for those heard of since we asked."""
        for camera in cameras.values():
            for switch, on in (
                ("snapshots", camera.snapshots_enabled),
                ("recordings", camera.recordings_enabled),
            ):
                known = self._switches.get((camera.name, switch))
                if known is None or known[1] <= asked_at:
                    self._switches[camera.name, switch] = (on, asked_at)


def is_about_one_file(error: FrigateError) -> bool:
    """Tell whether the error says nothing about Frigate as a whole."""
    return isinstance(
        error,
        (
            FrigateForbidden,
            FrigateServerError,
            MediaBroken,
            MediaGone,
            MediaNotReady,
        ),
    )
