"""Which stream of each camera is watched: what go2rtc gives, in how many pixels."""

from collections.abc import Callable, Collection, Iterable, Mapping
import logging

from ...frigate.models import LiveSource
from .lane import LiveLane

_LOGGER = logging.getLogger(__name__)


def is_too_much(lanes: Iterable[LiveLane]) -> bool:
    """Tell whether a camera's film has too many pixels for where it goes.

    So it is if a destination takes it but is too slow for it, be it for its line or for
    the limit that its owner set: all of the film in fewer pixels shows more than pieces
    of it. One that is away, hangs or is held back by its budget takes none, and says
    nothing of the pixels.

    There is one film for all. Where another destination keeps up, all of it is out of
    the house already: then the slow one gets pieces of it, and takes no pixels from the
    other. But one on a disk of this machine does not count for that: it may be carried
    away together with the recorder, and so may a share.
    """
    lanes = tuple(lanes)
    return any(lane.is_too_slow for lane in lanes) and not any(
        lane.keeps_up and not lane.is_local for lane in lanes
    )


class Sources:
    """The streams that are watched: what is recorded, unless it has too many pixels.

    Or unless it is refused: then another one that shows the camera, if there is any.
    """

    def __init__(self, known: Callable[[], Mapping[str, LiveSource]]) -> None:
        """Know none; `known` returns all that Frigate's configuration has."""
        self._known = known
        self._refused: dict[tuple[str, str], float] = {}
        """Until when streams of cameras are not asked for, by a steady clock."""
        self._reduced: set[str] = set()

    def refuse(self, camera: str, source: LiveSource, *, until: float) -> None:
        """Note that a camera is not seen by a stream, and when to ask for it again.

        Another camera may have the same one, and be seen by it.
        """
        self._refused[camera, source.stream] = until

    def refuse_all(self, camera: str, source: LiveSource, *, until: float) -> None:
        """Note the same of that stream and of all that come after it."""
        for stream in (source.stream, *source.others):
            self._refused[camera, stream] = until

    def deny(self, camera: str, *, until: float) -> None:
        """Note the same of all streams of a camera."""
        if (known := self._known().get(camera)) is not None:
            self.refuse_all(camera, known, until=until)
            if known.detect_stream is not None:
                self._refused[camera, known.detect_stream] = until

    def ask_again(self, now: float, *, seen: Collection[str]) -> None:
        """Forget what is refused no longer; but not of cameras that are `seen`.

        To ask for another stream ends the one that is watched, perhaps for nothing.
        """
        self._refused = {
            (camera, stream): until
            for (camera, stream), until in self._refused.items()
            if until > now or camera in seen
        }

    def reduce(self, camera: str) -> None:
        """Watch a camera in fewer pixels from now on, if it has such a stream."""
        if camera in self._reduced or (source := self.all().get(camera)) is None:
            return
        stream = source.detect_stream
        if stream is not None and not self._is_refused(camera, stream):
            self._reduced.add(camera)
            _LOGGER.debug(
                "Too much film of %s is left out: its stream %s is watched instead",
                camera,
                stream,
            )

    def keep(self, cameras: Collection[str]) -> None:
        """Note which cameras are watched: others begin with all pixels again."""
        self._reduced &= set(cameras)

    def is_reduced(self, camera: str) -> bool:
        """Tell whether a camera is watched in fewer pixels."""
        return camera in self._reduced

    def all(self) -> Mapping[str, LiveSource]:
        """Return the cameras whose film go2rtc gives, and how.

        One whose smaller stream is refused is watched in all pixels again.
        """
        found = {}
        for camera, source in self._known().items():
            small = source.detect_stream
            if camera in self._reduced and small is not None:
                if not self._is_refused(camera, small):
                    found[camera] = LiveSource(stream=small)
                    continue
                self._reduced.discard(camera)
            if (chosen := self._chosen(camera, source)) is not None:
                found[camera] = chosen
        return found

    def _chosen(self, camera: str, source: LiveSource) -> LiveSource | None:
        """Return how to see a camera in all pixels, None if all of it is refused."""
        if not self._is_refused(camera, source.stream):
            return source
        small, others = source.detect_stream, source.others
        for number, stream in enumerate(others, start=1):
            if not self._is_refused(camera, stream):
                return LiveSource(
                    stream=stream,
                    others=others[number:],
                    detect_stream=None if small == stream else small,
                )
        return None

    def _is_refused(self, camera: str, stream: str) -> bool:
        return (camera, stream) in self._refused
