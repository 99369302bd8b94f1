"""The cameras that Frigate has, and their switches, as far as they are known."""

from collections.abc import Collection, Iterator, Mapping
from math import inf
from time import monotonic
from typing import Final

from ...frigate.models import CameraConfig, FrigateConfig

MAX_SWITCHES: Final = 500
"""Beside those of the configuration; anybody may publish states of cameras."""
_MAX_STRANGERS: Final = 500


class Cameras:
    """Believes Frigate's configuration about cameras, and MQTT about switches.

    Until the configuration has been read, the cameras of earlier ones count
    (`remember`). Times are those of the monotonic clock, in seconds.
    """

    def __init__(self) -> None:
        """Know nothing."""
        self._config: Mapping[str, CameraConfig] | None = None
        self._read_at = -inf
        self._remembered: Collection[str] = ()
        self._switches: dict[tuple[str, str], tuple[bool, float]] = {}
        self._unknown_items: dict[str, float] = {}

    def remember(self, names: Collection[str]) -> None:
        """Take over the cameras of the last configuration that was ever read."""
        self._remembered = frozenset(names)

    def is_on(self, camera: str, switch: str) -> bool | None:
        """Return a camera's switch (`snapshots`, `recordings`), None if unknown.

        So is that of a camera which is not known to be Frigate's.
        """
        known = self._switches.get((camera, switch))
        return known[0] if known is not None and self._has(camera) else None

    def shown(self, camera: str, switch: str) -> bool | None:
        """Return what to show of a switch: None for a camera that is out of use."""
        if self._config is not None:
            config = self._config.get(camera)
            if config is None or not config.enabled:
                return None
        return self.is_on(camera, switch)

    def display_name(self, camera: str) -> str | None:
        """Return what Frigate calls a camera; None until its configuration was read."""
        config = None if self._config is None else self._config.get(camera)
        return None if config is None else config.friendly_name or camera

    def is_disabled(self, camera: str) -> bool:
        """Tell whether Frigate has the camera, but does not use it."""
        config = None if self._config is None else self._config.get(camera)
        return config is not None and not config.enabled

    @property
    def enabled(self) -> frozenset[str] | None:
        """The cameras that Frigate uses, None until its configuration was read."""
        if self._config is None:
            return None
        return frozenset(name for name, each in self._config.items() if each.enabled)

    def note(self, camera: str, *, kept: float) -> bool:
        """Note that something was heard of a camera.

        Returns whether the configuration has to be read to tell whose it is: at
        the first word, and again `kept` seconds later.
        """
        now = monotonic()
        if self._has(camera) or now - self._unknown_items.get(camera, -inf) <= kept:
            return False
        if len(self._unknown_items) >= _MAX_STRANGERS:
            self._unknown_items.clear()
        self._unknown_items[camera] = now
        return True

    def is_stranger(self, camera: str) -> bool | None:
        """Tell whether a camera is none of Frigate's.

        None if the configuration was not read since the first word of it.
        """
        if self._has(camera):
            return False
        return True if self._unknown_items.get(camera, inf) <= self._read_at else None

    def set_switch(self, camera: str, switch: str, on: bool) -> bool:
        """Note what MQTT says of a switch; return whether there was room for it."""
        key = (camera, switch)
        if key not in self._switches and len(self._switches) >= MAX_SWITCHES:
            return False
        self._switches[key] = (on, monotonic())
        return True

    def learn_activity(self, cameras: Mapping[str, CameraConfig]) -> None:
        """Take over live switches that came over MQTT."""
        self._learn(cameras, asked_at=monotonic(), limit=MAX_SWITCHES)

    def learn_config(self, config: FrigateConfig, *, asked_at: float) -> None:
        """Take over a configuration that was asked for at that time.

        In safe mode, and where there are none, it says nothing about which
        cameras there are.
        """
        self._make_room(config.cameras)
        limit = MAX_SWITCHES + 2 * len(config.cameras)
        self._learn(config.cameras, asked_at=asked_at, limit=limit)
        if config.is_complete:
            self._config, self._read_at = config.cameras, asked_at

    def _has(self, camera: str) -> bool:
        known = self._remembered if self._config is None else self._config
        return camera in known

    def _learn(
        self, cameras: Mapping[str, CameraConfig], *, asked_at: float, limit: int
    ) -> None:
        """Take over the live switches, but for those heard of since we asked.

        New ones only while less than `limit` are known.
        """
        for camera in cameras.values():
            for switch, on in _switches_of(camera):
                known = self._switches.get((camera.name, switch))
                if known is None and len(self._switches) >= limit:
                    continue
                if known is None or known[1] <= asked_at:
                    self._switches[camera.name, switch] = (on, asked_at)

    def _make_room(self, cameras: Mapping[str, CameraConfig]) -> None:
        """Forget cameras that Frigate doesn't have, once there are too many."""
        if len(self._switches) >= MAX_SWITCHES:
            self._switches = {
                key: known for key, known in self._switches.items() if key[0] in cameras
            }


def _switches_of(camera: CameraConfig) -> Iterator[tuple[str, bool]]:
    yield "snapshots", camera.snapshots_enabled
    yield "recordings", camera.recordings_enabled
