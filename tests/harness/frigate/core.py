"""The simulated Frigate: the scene, and how it talks and answers; no transport."""

from collections.abc import Callable, Iterable
import time
from typing import Any

from . import about
from .footage import Piece
from .model import ENDLESS, Camera
from .scene import Scene
from .timing import Timing
from .video import Video


class SettableClock:
    """A wall clock that is `ahead` of this machine's, in seconds."""

    def __init__(self, ahead: float = 0) -> None:
        """Go on from now."""
        self.ahead = ahead

    def __call__(self) -> float:
        """Return the time in epoch seconds."""
        return time.time() + self.ahead


class Frigate(Scene):
    """A Frigate with cameras, objects, reviews and growing footage.

    Not safe for threads: to be used on one event loop. `clock` gives its time
    (epoch seconds); set `publish` to let its messages out and call `connect`.
    """

    def __init__(
        self,
        cameras: Iterable[str] = ("front_door", "back-yard_2"),
        *,
        version: str = "0.17.2",
        topic_prefix: str = "frigate",
        client_id: str = "frigate",
        timing: Timing | None = None,
        clock: Callable[[], float] = time.time,
        history: float = 3600,
        seed: int | None = None,
        live: bool = False,
    ) -> None:
        """Make one that has recorded `history` seconds already.

        With `live` its go2rtc has a stream of each camera.
        """
        super().__init__(
            version=version,
            topic_prefix=topic_prefix,
            timing=timing,
            clock=clock,
            history=history,
            seed=seed,
        )
        self.client_id = client_id
        self.live = live
        self.video = Video()
        self.mqtt_enabled = True
        self.is_in_safe_mode = False
        """Whether it can't read its configuration, and has its defaults."""
        self.started = clock()
        self._died = 0.0
        for name in cameras:
            self.add_camera(name)

    # MQTT

    def connect(self) -> None:
        """Be connected to the broker from now on, and say so as Frigate does."""
        self.connected = True
        for camera in self.cameras.values():
            for topic, state in about.camera_states(self.version, camera).items():
                self.send(f"{camera.name}/{topic}", state.encode(), retain=True)
            self.send(f"{camera.name}/motion", b"OFF")
        if self.version.minor >= 18:
            self.send("profile/state", b"none", retain=True)
        self.send("available", b"online", retain=True)

    def handle_message(self, topic: str, payload: bytes) -> None:
        """Take a message that somebody published; others' topics are ignored."""
        parts = topic.removeprefix(f"{self.topic_prefix}/").split("/")
        match parts:
            case ["onConnect"] if self.version.minor >= 15:
                self.send_json("camera_activity", self.camera_activity())
            case [name, "recordings" | "snapshots" as feature, "set"]:
                if name in self.cameras:
                    self._set_switch(self.cameras[name], feature, payload)

    def _set_switch(self, camera: Camera, feature: str, payload: bytes) -> None:
        on = payload.decode(errors="replace").upper() == "ON"
        if feature == "snapshots":
            camera.snapshots = on
        elif on and not camera.recordings_in_config:
            return  # an error in Frigate's log is all
        else:
            camera.recordings = on
            camera.footage.switch(on=on, at=self.clock())
        # The command itself comes back, whatever its spelling.
        self.send(f"{camera.name}/{feature}/state", payload, retain=True)
        if feature == "recordings" and (self.version.splits_reviews or not on):
            review = self.active_review(camera.name)
            if review is not None:
                endless = any(item.end == ENDLESS for item in review.objects)
                self.end_review(review, end=ENDLESS if endless else None)

    def set_switch(self, camera: str, feature: str, *, on: bool) -> None:
        """Switch `recordings` or `snapshots`, as the web UI does."""
        self._set_switch(self.cameras[camera], feature, b"ON" if on else b"OFF")

    # Life and death

    def last_will(self) -> tuple[str, bytes]:
        """Return what the broker publishes, retained, when the link just breaks."""
        return f"{self.topic_prefix}/available", b"offline"

    def stop(self) -> None:
        """Leave the broker in an orderly way: no last will; 0.18+ says `stopped`."""
        if self.version.says_stopped:
            self.send("available", b"stopped", retain=True)
        self.disconnect()

    def kill(self) -> None:
        """Die at once: nothing more is said, no review is ended."""
        self.running = self.connected = False
        self._died = self.clock()

    def start_again(self) -> None:
        """Start after `kill`: what was running ended, in the database, just now."""
        now = self.clock()
        for camera in self.cameras.values():
            camera.footage.lose(self._died, now)
            camera.footage.switch(on=camera.recordings_in_config, at=now)
            camera.recordings = camera.recordings_in_config
        for review in self.reviews.values():
            if review.end is None:
                review.end = now
        for tracked in self.objects.values():
            if tracked.end is None:
                tracked.end = now
        self.started = now
        self.running = True

    def set_clock(self, ahead: float) -> None:
        """Set its clock, so that it is so many seconds ahead of this machine's.

        Needs a `SettableClock` for a clock.
        """
        clock = self.clock
        if not isinstance(clock, SettableClock):
            raise TypeError("This clock can't be set")
        old = clock()
        clock.ahead = ahead
        for camera in self.cameras.values():
            camera.footage.jump(old, clock())
        if not self.running:
            self._died += clock() - old
        self.started += clock() - old

    # What HTTP asks

    def clip(self, camera: str, start: float, end: float) -> list[Piece]:
        """Return the footage of the range that can be had now."""
        if camera not in self.cameras:
            return []
        return self.cameras[camera].footage.pieces(start, end, now=self.clock())

    def config(self) -> dict[str, Any]:
        """Return the document of `/api/config`."""
        if self.is_in_safe_mode:
            return about.safe_mode_document(self.version)
        return about.config_document(
            self.version,
            self.cameras.values(),
            topic_prefix=self.topic_prefix,
            client_id=self.client_id,
            mqtt_enabled=self.mqtt_enabled,
            live=self.live,
        )

    def stats(self) -> dict[str, Any]:
        """Return the document of `/api/stats`."""
        now = self.clock()
        return about.stats_document(
            self.version, self.cameras.values(), uptime=now - self.started, now=now
        )

    def camera_activity(self) -> dict[str, Any]:
        """Return the document that answers `onConnect`: the live values."""
        return about.camera_activity(
            self.version,
            (
                (camera, self.active_objects(camera.name))
                for camera in self.cameras.values()
            ),
        )
