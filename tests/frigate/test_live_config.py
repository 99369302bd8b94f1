"""Which stream of go2rtc shows a camera."""

import json
from typing import Any

import pytest

from custom_components.frigate_snap_sync.frigate.live_config import live_sources
from custom_components.frigate_snap_sync.frigate.models import LiveSource
from custom_components.frigate_snap_sync.frigate.parsers import parse_config

from .recorded import VERSIONS, reply

OWN = "rtsp://127.0.0.1:8554/"


def document(streams: object, **camera: object) -> dict[str, Any]:
    """Return a configuration with one camera."""
    return {"go2rtc": {"streams": streams}, "cameras": {"door": camera}}


def inputs(*rows: tuple[str, list[str]]) -> dict[str, Any]:
    """Return what Frigate reads of a camera."""
    return {"inputs": [{"path": path, "roles": roles} for path, roles in rows]}


@pytest.mark.parametrize(
    ("config", "found"),
    [
        (document({}), None),
        (document({"door": []}), LiveSource(stream="door")),
        (document({"other": []}), None),
        # What Frigate records is open anyway.
        (
            document(
                {"door": [], "door_main": [], "door_sub": []},
                ffmpeg=inputs(
                    (f"{OWN}door_sub", ["detect"]), (f"{OWN}door_main", ["record"])
                ),
            ),
            LiveSource(
                stream="door_main",
                others=("door",),
                is_recorded=True,
                detect_stream="door_sub",
            ),
        ),
        # Frigate detects on what go2rtc does not have.
        (
            document(
                {"door_main": []},
                ffmpeg=inputs(
                    (f"{OWN}door_sub", ["detect"]), (f"{OWN}door_main", ["record"])
                ),
            ),
            LiveSource(stream="door_main", is_recorded=True),
        ),
        (
            document(
                {"door": [], "door_main": []},
                live={"streams": {"Main": "door_main"}},
                ffmpeg=inputs((f"{OWN}door", ["detect", "audio"])),
            ),
            LiveSource(stream="door_main", others=("door",), detect_stream="door"),
        ),
        # Frigate may let its user see the streams of the live view alone.
        (
            document(
                {"door": [], "door_main": [], "a": [], "b": [], "other": []},
                live={"streams": {"A": "a", "Main": "door_main", "B": "b", "C": "c"}},
                ffmpeg=inputs((f"{OWN}door_main", ["record"])),
            ),
            LiveSource(stream="door_main", others=("a", "b", "door"), is_recorded=True),
        ),
        (
            document({"door": []}, ffmpeg=inputs((f"{OWN}door", ["record", "detect"]))),
            LiveSource(stream="door", is_recorded=True),
        ),
        (
            document(
                {"a": []},
                ffmpeg=inputs(("rtsp://u:p@localhost:8554/a?video", ["record"])),
            ),
            LiveSource(stream="a", is_recorded=True),
        ),
        # Another server's stream of that name is not go2rtc's.
        (
            document({"a": []}, ffmpeg=inputs(("rtsp://10.0.0.1:8554/a", ["record"]))),
            None,
        ),
        (
            document({"a": []}, ffmpeg=inputs((f"{OWN}gone", ["record"]))),
            None,
        ),
        # What Frigate records comes from the camera itself: this may be few pixels.
        (
            document(
                {"door_sub": []},
                live={"streams": {"Sub": "door_sub"}},
                ffmpeg=inputs(
                    ("rtsp://camera/main", ["record"]), (f"{OWN}door_sub", ["detect"])
                ),
            ),
            LiveSource(stream="door_sub"),
        ),
        (document({"b": []}, live={"streams": {"Main": "b"}}), LiveSource(stream="b")),
        (document({"c": []}, live={"stream_name": "c"}), LiveSource(stream="c")),
        # The default of `live.streams` points nowhere.
        (
            document({"door_hd": []}, live={"streams": {"door": "door"}}),
            None,
        ),
        # A URL would make a new stream.
        (document({}, live={"streams": {"x": "rtsp://evil/1"}}), None),
        (document(None, live=None, ffmpeg=None), None),
        (document(["door"], live=[], ffmpeg={"inputs": {}}), None),
        (
            document({"door": []}, ffmpeg={"inputs": [None, {"roles": "record"}, {}]}),
            LiveSource(stream="door"),
        ),
        (
            {"cameras": {"door": None}, "go2rtc": {"streams": {"door": 1}}},
            LiveSource(stream="door"),
        ),
        ({}, None),
    ],
)
def test_the_stream_of_a_camera(
    config: dict[str, Any], found: LiveSource | None
) -> None:
    """The stream of a camera."""

    assert live_sources(config).get("door") == found


@pytest.mark.parametrize("version", VERSIONS)
def test_recorded_configurations_have_no_go2rtc(version: str) -> None:
    """Their inputs name port 8554 all the same, and `live.streams` has its default."""
    config = json.loads(reply(version, "config").body)
    assert "8554" in json.dumps(config)

    assert parse_config(config).live == {}

    config["go2rtc"] = {"streams": {"front_door": ["rtsp://camera/1"]}}
    assert parse_config(config).live == {
        "front_door": LiveSource(stream="front_door", is_recorded=True)
    }
