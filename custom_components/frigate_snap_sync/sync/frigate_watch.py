"""Keeps an eye on Frigate: is it there, which cameras has it, what are their switches."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
import logging
import time

from ..frigate.client import FrigateClient
from ..frigate.errors import (
    FrigateAuthFailed,
    FrigateError,
    FrigateForbidden,
    FrigateServerError,
    MediaBroken,
    MediaGone,
    MediaNotReady,
)
from ..frigate.models import CameraConfig, FrigateConfig
from .policy import Timing
from .tasks import wait_for

_LOGGER = logging.getLogger(__name__)

_FIRST_RETRY = 5.0
_SHORTEST_PAUSE = 1.0
_STABLE = 600.0
"""How long Frigate must answer for its next failure to be a new outage."""
_CONFIG_EVERY = 300.0
_MAX_SWITCHES = 500
"""Beside those of the configuration; anybody may publish states of cameras."""
_GENTLE = 2.0
"""Seconds between two readings of the configuration for unknown cameras' sake."""


class FrigateWatch:
    """Asks Frigate regularly, at once when told to, and more slowly while it is away.

    `on_config` is awaited with each configuration read; `on_back` is called when
    messages may have been missed; `on_change` when something shown has changed.
    """

    def __init__(
        self,
        client: FrigateClient,
        *,
        name: str,
        timing: Timing,
        delay_after_startup: float,
        on_config: Callable[[FrigateConfig], Awaitable[None]],
        on_back: Callable[[], None],
        on_change: Callable[[], None],
    ) -> None:
        """Keep what it works with; nothing is asked before `run`."""
        self.version: str | None = None
        self.error: FrigateError | None = None
        self.mqtt_enabled = True
        self.answers = asyncio.Event()
        """Set while the API answers."""
        self.released = asyncio.Event()
        """Clear while Frigate runs for less than `delay_after_startup` seconds."""
        if not delay_after_startup:
            self.released.set()
        self._client = client
        self._name = name
        self._timing = timing
        self._delay = delay_after_startup
        self._on_config = on_config
        self._on_back = on_back
        self._on_change = on_change
        self._asked = False
        self._is_offline = False
        self._is_told = False
        self._news = asyncio.Event()
        self._wants_config = True
        self._is_hinted = False
        self._config_at = float("-inf")
        self._retry = 0.0
        self._answers_since = 0.0
        self._release: asyncio.TimerHandle | None = None
        self._later: asyncio.TimerHandle | None = None
        self._switches: dict[tuple[str, str], tuple[bool, float]] = {}

    @property
    def connected(self) -> bool | None:
        """Tell whether Frigate is there; None until it was asked once."""
        if not self._asked:
            return None
        return self.answers.is_set() and not self._is_offline

    @property
    def login_refused(self) -> bool:
        """Tell whether Frigate is away for us because it refused the log-in."""
        return isinstance(self.error, FrigateAuthFailed)

    def is_on(self, camera: str, switch: str) -> bool | None:
        """Return a camera's switch (`snapshots`, `recordings`), None if unknown."""
        known = self._switches.get((camera, switch))
        return None if known is None else known[0]

    def set_switch(self, camera: str, switch: str, on: bool) -> None:
        """Note what MQTT says of a camera's switch."""
        key = (camera, switch)
        if key in self._switches or len(self._switches) < _MAX_SWITCHES:
            self._switches[key] = (on, time.monotonic())
            self._on_change()

    def set_available(self, online: bool) -> None:
        """Note what MQTT says of Frigate's availability.

        When it comes online, its configuration is read anew: the states that
        it has just published may be the configured, not the live ones.
        """
        if self._is_offline == online:
            _LOGGER.info(
                "Frigate %s says that it is %s",
                self._name,
                "online" if online else "offline",
            )
        self._is_offline = not online
        self.refresh()
        self._on_change()

    def set_activity(self, cameras: Mapping[str, CameraConfig]) -> None:
        """Note the live switches of cameras."""
        self._learn(cameras, asked_at=time.monotonic(), limit=_MAX_SWITCHES)
        self._on_change()

    def refresh(self) -> None:
        """Read the configuration soon, or as soon as Frigate answers."""
        self._wants_config = True
        self._is_hinted = True
        self._news.set()

    def refresh_gently(self) -> None:
        """Read the configuration soon, but not for each of many callers."""
        wait = self._config_at + _GENTLE - time.monotonic()
        if wait <= 0:
            self.refresh()
        elif self._later is None:
            loop = asyncio.get_running_loop()
            self._later = loop.call_later(wait, self._refresh_later)

    def _refresh_later(self) -> None:
        self._later = None
        self.refresh()

    def failed(self, error: FrigateError) -> None:
        """Note that a request of somebody else showed that Frigate is away."""
        self._lose(error)
        self._news.set()

    async def run(self) -> None:
        """Watch until cancelled."""
        try:
            while True:
                self._news.clear()
                self._is_hinted = False
                try:
                    await self._poll()
                except FrigateError as err:
                    self._lose(err)
                await self._rest()
        finally:
            self._let_go()
            if self._later is not None:
                self._later.cancel()

    async def _rest(self) -> None:
        """Wait until Frigate is to be asked again."""
        await asyncio.sleep(_SHORTEST_PAUSE)
        if self.answers.is_set():
            await wait_for(self._news, self._timing.poll)
        if not self.answers.is_set():
            if not self._is_hinted:
                # What somebody else's request showed must not turn into a storm.
                self._news.clear()
            await wait_for(self._news, self._retry - _SHORTEST_PAUSE)

    async def _poll(self) -> None:
        asked_at = time.monotonic()
        is_back = self._wants_config or not self.answers.is_set()
        version = str(await self._client.version())
        if is_back or asked_at - self._config_at > _CONFIG_EVERY:
            self._wants_config = False
            try:
                await self._hold_back()
                config = await self._client.config()
            except BaseException:
                self._wants_config = True
                raise
            self._config_at = asked_at
            self.mqtt_enabled = config.mqtt_enabled
            self._make_room(config.cameras)
            limit = _MAX_SWITCHES + 2 * len(config.cameras)
            self._learn(config.cameras, asked_at=asked_at, limit=limit)
            await self._on_config(config)
        if not self.answers.is_set():
            if self._is_told:
                _LOGGER.info("Frigate %s is back", self._name)
            self._is_told = False
            self._answers_since = time.monotonic()
            self.answers.set()
        self._asked = True
        self.error = None
        self.version = version
        if is_back:
            self._on_back()
        self._on_change()

    async def _hold_back(self) -> None:
        """Wait with all uploads until Frigate has run long enough."""
        if not self._delay:
            return
        try:
            remaining = self._delay - await self._client.uptime()
        except FrigateError as err:
            if not is_about_one_file(err):
                raise
            _LOGGER.debug("Frigate %s does not tell its uptime: %s", self._name, err)
            remaining = 0.0
        if remaining <= 0:
            self._let_go()
            return
        self.released.clear()
        if self._release is not None:
            self._release.cancel()
        loop = asyncio.get_running_loop()
        self._release = loop.call_later(remaining, self._let_go)

    def _let_go(self) -> None:
        if self._release is not None:
            self._release.cancel()
            self._release = None
        self.released.set()

    def _lose(self, error: FrigateError) -> None:
        now = time.monotonic()
        was_there = self.answers.is_set()
        was_stable = was_there and now - self._answers_since >= _STABLE
        if was_stable or not self._retry:
            self._retry = _FIRST_RETRY
            self._is_told = True
            _LOGGER.warning(
                "Frigate %s is away and is asked until it is back: %s",
                self._name,
                error,
            )
        else:
            # Told already: one request that always fails, say, while others don't.
            self._retry = min(self._retry * 2, self._timing.poll)
        self.answers.clear()
        self._let_go()  # What the spool holds shall leave all the same.
        self._asked = True
        self.error = error
        self._on_change()

    def _learn(
        self, cameras: Mapping[str, CameraConfig], *, asked_at: float, limit: int
    ) -> None:
        """Take over the live switches, but for those heard of since we asked.

        New ones only while less than `limit` are known.
        """
        for camera in cameras.values():
            for switch, on in (
                ("snapshots", camera.snapshots_enabled),
                ("recordings", camera.recordings_enabled),
            ):
                known = self._switches.get((camera.name, switch))
                if known is None and len(self._switches) >= limit:
                    continue
                if known is None or known[1] <= asked_at:
                    self._switches[camera.name, switch] = (on, asked_at)

    def _make_room(self, cameras: Mapping[str, CameraConfig]) -> None:
        """Let go of cameras that Frigate doesn't have, once there are too many."""
        if len(self._switches) >= _MAX_SWITCHES:
            self._switches = {
                key: known for key, known in self._switches.items() if key[0] in cameras
            }


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
