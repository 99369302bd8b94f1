"""Which streams of go2rtc show a camera: found in Frigate's configuration. All pure."""

from collections.abc import Iterator, Mapping
import re
from typing import Final

from .fields import MAX_CAMERA_LENGTH, mapping_or_empty, text_or_none
from .models import LiveSource

_OWN: Final = re.compile(
    r"rtsp://(?:[^/@]*@)?(?:127\.0\.0\.1|localhost|\[::1\]):8554/([^/?#]+)"
)
"""Frigate's input is a stream of its own go2rtc, which is then open anyway."""
_MAX_STREAMS: Final = 5000


def live_sources(document: Mapping[str, object]) -> Mapping[str, LiveSource]:
    """Return how to see each camera live; one that go2rtc does not show is left out.

    `document` is that of `/api/config`. A name counts only if go2rtc has a stream of
    that name: `live.streams` has a default that may point nowhere, and go2rtc would
    take another text for an address and make a new stream of it.
    """
    go2rtc = mapping_or_empty(mapping_or_empty(document.get("go2rtc")).get("streams"))
    streams = frozenset(
        name
        for name in list(go2rtc)[:_MAX_STREAMS]
        if text_or_none(name, limit=MAX_CAMERA_LENGTH) is not None
    )
    found: dict[str, LiveSource] = {}
    for name, value in mapping_or_empty(document.get("cameras")).items():
        camera = mapping_or_empty(value)
        if shown := _shown(name, camera, streams):
            stream, *others = shown
            detected = _inputs(camera, streams, "detect")
            found[name] = LiveSource(
                stream=stream,
                others=tuple(others),
                is_recorded=stream in _inputs(camera, streams, "record"),
                detect_stream=next((each for each in detected if each != stream), None),
            )
    return found


def _shown(
    name: str, camera: Mapping[str, object], streams: frozenset[str]
) -> tuple[str, ...]:
    """Return the streams to see, the best one first.

    That is what Frigate records if it can be, for it is open anyway.
    """
    live = mapping_or_empty(camera.get("live"))
    candidates = (
        *_inputs(camera, streams, "record"),
        *mapping_or_empty(live.get("streams")).values(),
        live.get("stream_name"),  # up to Frigate 0.15
        name,
    )
    known = [text for text in candidates if isinstance(text, str) and text in streams]
    return tuple(dict.fromkeys(known))


def _inputs(
    camera: Mapping[str, object], streams: frozenset[str], role: str
) -> Iterator[str]:
    """Yield the streams that Frigate itself reads for a role, such as `record`."""
    inputs = mapping_or_empty(camera.get("ffmpeg")).get("inputs")
    for value in inputs if isinstance(inputs, list) else ():
        entry = mapping_or_empty(value)
        roles, path = entry.get("roles"), entry.get("path")
        if not isinstance(roles, list) or role not in roles:
            continue
        found = _OWN.match(path) if isinstance(path, str) else None
        if found is not None and found[1] in streams:
            yield found[1]
