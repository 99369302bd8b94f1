"""Keeps an eye on Frigate: is it there, which cameras has it, what are their switches."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
import logging
from time import monotonic

from ...frigate.errors import (
    FrigateAuthFailed,
    FrigateError,
    FrigateForbidden,
    FrigateServerError,
    FrigateTlsError,
    FrigateUnreachable,
    MediaBroken,
    MediaGone,
    MediaNotReady,
    NotFrigate,
    UnsupportedVersion,
)
from ...frigate.models import CameraConfig, FrigateConfig, LiveSource
from ...frigate.protocol import FrigateApi
from ..model.timing import Timing
from ..support.said_once import SaidOnce
from ..support.signals import Signals
from ..support.tasks import wait_for
from .cameras import Cameras
from .frigate_retry import FrigateRetry

_LOGGER = logging.getLogger(__name__)

_GENTLE = 2.0
"""Seconds between two readings of the configuration for unknown cameras' sake."""

_CAUSES: tuple[type[FrigateError], ...] = (
    FrigateAuthFailed,
    FrigateForbidden,
    FrigateTlsError,
    FrigateUnreachable,
    NotFrigate,
    UnsupportedVersion,
    FrigateServerError,
    FrigateError,
)
"""What an owner would call different; each is logged once in an outage."""


class FrigateMonitor:
    """Asks Frigate regularly, at once when something hints that it is back.

    `on_config` is awaited with each configuration read.
    """

    def __init__(
        self,
        client: FrigateApi,
        *,
        name: str,
        timing: Timing,
        signals: Signals,
        delay_after_startup: float,
        on_config: Callable[[FrigateConfig], Awaitable[None]],
    ) -> None:
        """Keep what it works with; nothing is asked before `run`.

        `name` is what the log calls this Frigate.
        """
        self.version: str | None = None
        self.mqtt_enabled = True
        self.topic_prefix: str | None = None
        """The one in Frigate's configuration, None until a good one was read."""
        self.has_config = False
        """Whether a good configuration was read: safe mode has none."""
        self.safe_mode: bool | None = None
        """Whether Frigate can't read its configuration, and so records nothing."""
        self.has_cameras: bool | None = None
        """Whether Frigate uses a camera: else there is nothing to copy. None: not known."""
        self.is_incomparable: bool | None = None
        """Whether the last comparison could not be made whole, though Frigate answers.

        None: none yet.
        """
        self.login_refusals = 0
        """How often the login was refused since Frigate answered last."""
        self.refused_last = False
        """Whether that is what it did last; it may have become unreachable since."""
        self.cameras = Cameras()
        self.answers = asyncio.Event()
        """Set while the API answers."""
        self.released = asyncio.Event()
        """Clear while Frigate runs for less than `delay_after_startup` seconds."""
        if not delay_after_startup:
            self.released.set()
        self.live_sources: Mapping[str, LiveSource] = {}
        """The cameras that go2rtc shows, as Frigate's configuration said last."""
        self._client = client
        self._name = name
        self._timing = timing
        self._delay = delay_after_startup
        self._on_config = on_config
        self._signals = signals
        self._asked = False
        self._is_offline = False
        self._said = SaidOnce[type[FrigateError]]()
        self._retry = FrigateRetry(timing)
        self._news = asyncio.Event()
        self._wants_config = True
        self._config_at = float("-inf")
        self._release: asyncio.TimerHandle | None = None
        self._later: asyncio.TimerHandle | None = None

    @property
    def connected(self) -> bool | None:
        """Tell whether Frigate is there; None until it was asked once."""
        if not self._asked:
            return None
        is_there = self.answers.is_set() and self._retry.is_back(monotonic())
        return is_there and not (self._is_offline and self.speaks_mqtt)

    @property
    def speaks_mqtt(self) -> bool:
        """Tell whether Frigate uses MQTT: never in safe mode, whatever it said last."""
        return self.mqtt_enabled and not self.safe_mode

    @property
    def login_refused(self) -> bool:
        """Tell whether Frigate refused the login and has not answered since."""
        return self.login_refusals > 0

    def is_on(self, camera: str, switch: str) -> bool | None:
        """Return a camera's switch (`snapshots`, `recordings`), None if unknown."""
        return self.cameras.is_on(camera, switch)

    def is_stranger(self, camera: str) -> bool | None:
        """Tell whether Frigate lacks the camera of a message.

        None if that is not known yet: the configuration is then read soon.
        """
        self.note_camera(camera)
        is_stranger = self.cameras.is_stranger(camera)
        return None if self._wants_config and is_stranger else is_stranger

    def note_camera(self, camera: str) -> None:
        """Note the camera of a message; one that is new may be Frigate's."""
        if self.cameras.note(camera, kept=self._timing.config):
            self.refresh_gently()

    def set_switch(self, camera: str, switch: str, on: bool) -> None:
        """Note what MQTT says of a camera's switch."""
        if self.cameras.set_switch(camera, switch, on):
            self._signals.status_changed()

    def set_available(self, online: bool) -> None:
        """Note what MQTT says of Frigate's availability.

        When it comes online, its configuration is read again: the states that
        it has just published may be the configured, not the live ones. That it was
        away may be news, and its API not listen yet.
        """
        if self._is_offline == online:
            _LOGGER.info(
                "%s says that it is %s", self._name, "online" if online else "offline"
            )
        self._is_offline = not online
        self.refresh()
        if online:
            self._retry.hint(monotonic())
        self._signals.status_changed()

    def set_activity(self, cameras: Mapping[str, CameraConfig]) -> None:
        """Note the live switches of cameras."""
        self.cameras.learn_activity(cameras)
        self._signals.status_changed()

    def note_sign_of_life(self) -> None:
        """Note a sign of life: a Frigate that is away may be back, or about to be."""
        if not self.answers.is_set() and self._retry.hint(monotonic()):
            self._news.set()

    def refresh(self) -> None:
        """Read the configuration soon, or as soon as Frigate answers."""
        self._wants_config = True
        self._news.set()

    def refresh_gently(self) -> None:
        """Read the configuration soon, but not for each of many callers."""
        wait = self._config_at + _GENTLE - monotonic()
        if wait <= 0:
            self.refresh()
        elif self._later is None:
            loop = asyncio.get_running_loop()
            self._later = loop.call_later(wait, self._refresh_later)

    def _refresh_later(self) -> None:
        self._later = None
        self.refresh()

    def failed(self, error: FrigateError) -> None:
        """Note that another part's request showed that Frigate is away.

        What was under way when that was found out already tells nothing new,
        except that the login is refused.
        """
        is_refusal = isinstance(error, FrigateAuthFailed)
        if self.answers.is_set() or (is_refusal and not self.login_refused):
            self._lose(error)
            self._news.set()

    def note_comparison(self, *, failed: bool) -> None:
        """Note whether all that Frigate, which answers, has was compared with the ledger."""
        if self.is_incomparable != failed:
            self.is_incomparable = failed
            self._signals.status_changed()

    async def run(self) -> None:
        """Watch until cancelled."""
        try:
            while True:
                self._news.clear()
                self._retry.asking(monotonic())
                try:
                    await self._poll()
                except FrigateError as err:
                    self._lose(err)
                await self._pause()
        finally:
            self._release_now()
            if self._later is not None:
                self._later.cancel()

    async def _pause(self) -> None:
        """Wait until Frigate is to be asked again."""
        await asyncio.sleep(self._timing.shortest_poll)
        if self.answers.is_set():
            await wait_for(self._news, self._timing.poll)
        while not self.answers.is_set() and (
            remaining := self._retry.remaining(monotonic())
        ):
            self._news.clear()
            await wait_for(self._news, remaining)

    async def _poll(self) -> None:
        asked_at = monotonic()
        version = str(await self._client.version())
        # It may have been lost, or a look at it been asked for, while it answered.
        is_back = self._wants_config or not self.answers.is_set()
        if is_back or asked_at - self._config_at > self._timing.config:
            self._wants_config = False
            try:
                await self._hold_back()
                config = await self._client.config()
            except BaseException:
                self._wants_config = True
                raise
            self._config_at = asked_at
            self.safe_mode = config.safe_mode
            self.has_config = self.has_config or not config.safe_mode
            if not config.safe_mode:
                self.mqtt_enabled = config.mqtt_enabled
                self.topic_prefix = config.topic_prefix
                self.live_sources = config.live
            # In safe mode Frigate uses none, whatever it lists.
            self.has_cameras = not config.safe_mode and any(
                camera.enabled for camera in config.cameras.values()
            )
            self.cameras.learn_config(config, asked_at=asked_at)
            await self._on_config(config)
        if not self.answers.is_set():
            is_back = True
            if self._said.end():
                _LOGGER.info("%s is back", self._name)
            self.answers.set()
        self._retry.answered(monotonic())
        self._asked = True
        self.login_refusals, self.refused_last = 0, False
        self.version = version
        if is_back:
            self._signals.frigate_back()
        self._signals.status_changed()

    async def _hold_back(self) -> None:
        """Wait with all uploads until Frigate has run long enough."""
        if not self._delay:
            return
        try:
            remaining = self._delay - await self._client.uptime()
        except FrigateError as err:
            if not is_about_one_file(err):
                raise
            _LOGGER.debug("%s does not tell its uptime: %s", self._name, err)
            remaining = 0.0
        if remaining <= 0:
            self._release_now()
            return
        self.released.clear()
        if self._release is not None:
            self._release.cancel()
        loop = asyncio.get_running_loop()
        self._release = loop.call_later(remaining, self._release_now)

    def _release_now(self) -> None:
        if self._release is not None:
            self._release.cancel()
            self._release = None
        self.released.set()

    def _lose(self, error: FrigateError) -> None:
        is_refusal = isinstance(error, FrigateAuthFailed)
        if self._retry.failed(monotonic(), is_refusal=is_refusal):
            self._said.begin()
        self.login_refusals += is_refusal
        self.refused_last = is_refusal
        self._report(error)
        self.answers.clear()
        self._release_now()  # What the spool holds shall leave all the same.
        self._asked = True
        self._signals.status_changed()

    def _report(self, error: FrigateError) -> None:
        """Log each cause of an outage once.

        One request that always fails, say, while others don't, is one outage.
        """
        cause = next(cause for cause in _CAUSES if isinstance(error, cause))
        if not self._said.is_news(cause):
            _LOGGER.debug("%s is still away: %s", self._name, error)
            return
        if cause is FrigateAuthFailed:
            _LOGGER.warning(
                "%s refuses the login, which is tried again every %.0f minutes: %s",
                self._name,
                self._timing.login_retry / 60,
                error,
            )
        else:
            _LOGGER.warning(
                "%s is away and is asked until it is back: %s", self._name, error
            )


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
