"""The client against recorded answers of real Frigates."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
import json
from typing import Any

import pytest

from custom_components.frigate_snap_sync.frigate.client import FrigateClient
from custom_components.frigate_snap_sync.frigate.errors import (
    FrigateServerError,
    NotFrigate,
    UnsupportedVersion,
)
from custom_components.frigate_snap_sync.frigate.version import FrigateVersion

from .conftest import MakeClient
from .recorded import VERSIONS, reply
from .server import FakeServer, as_bytes, as_json


def collect() -> tuple[list[bytes], Callable[[bytes], Awaitable[None]]]:
    """Return a list and what fills it."""
    pieces: list[bytes] = []

    async def write(piece: bytes) -> None:
        pieces.append(piece)

    return pieces, write


def recorded_id(version: str, name: str) -> str:
    """Return the id that a recorded request asked for."""
    return reply(version, name).path.split("/")[3]


# What Frigate tells


@pytest.mark.parametrize("version", VERSIONS)
async def test_version(server: FakeServer, client: FrigateClient, version: str) -> None:
    """Each release says which it is."""
    server.record(version)

    assert await client.version() == FrigateVersion.parse(version)


@pytest.mark.parametrize("text", ["0.13.2-abc", "0.12.0"])
async def test_version_that_is_too_old(
    server: FakeServer, client: FrigateClient, text: str
) -> None:
    """There were no reviews before 0.14."""
    server.answer("/api/version", as_bytes(text.encode(), "text/plain"))

    with pytest.raises(UnsupportedVersion, match=text):
        await client.version()


@pytest.mark.parametrize("body", [b"", b"dev", b"\xff\xfe", b'"0.17.2"', b"OK"])
async def test_version_of_something_else(
    server: FakeServer, client: FrigateClient, body: bytes
) -> None:
    """Many things answer to `/api/version`."""
    server.answer("/api/version", as_bytes(body, "text/plain"))

    with pytest.raises(NotFrigate):
        await client.version()


@pytest.mark.parametrize("version", VERSIONS)
async def test_config(server: FakeServer, client: FrigateClient, version: str) -> None:
    """Prefix, cameras, and the live values of their switches."""
    server.record(version)
    config = await client.config()

    assert config.mqtt_enabled
    assert config.topic_prefix == "frigate"
    assert not config.safe_mode
    assert set(config.cameras) == {"front_door", "back-yard_2"}
    assert all(camera.recordings_enabled for camera in config.cameras.values())
    assert all(camera.snapshots_enabled for camera in config.cameras.values())
    assert all(camera.enabled for camera in config.cameras.values())

    server.record(version, "config-prefix-with-slash")
    assert (await client.config()).topic_prefix == "home/nvr"

    server.record(version, "config-record-really-off")
    cameras = (await client.config()).cameras
    assert cameras["front_door"].recordings_enabled
    assert not cameras["back-yard_2"].recordings_enabled


async def test_config_in_unusual_states(
    server: FakeServer, client: FrigateClient
) -> None:
    """MQTT off, safe mode, names that can't be."""
    document: dict[str, Any] = json.loads(reply("0.17.2", "config").body)
    document["mqtt"]["enabled"] = False
    document["safe_mode"] = True
    document["cameras"]["a\nb"] = document["cameras"]["front_door"]
    document["cameras"]["odd"] = None
    document["cameras"]["front_door"]["enabled"] = False
    document["cameras"]["front_door"]["friendly_name"] = "Haustür"
    document["cameras"]["back-yard_2"]["friendly_name"] = "a\nb"
    server.answer("/api/config", as_json(document))

    config = await client.config()

    assert not config.mqtt_enabled
    assert config.safe_mode
    assert set(config.cameras) == {"front_door", "back-yard_2"}
    assert not config.cameras["front_door"].enabled
    assert config.cameras["back-yard_2"].enabled
    assert config.cameras["front_door"].friendly_name == "Haustür"
    assert config.cameras["back-yard_2"].friendly_name is None


@pytest.mark.parametrize(
    "document",
    [
        [],
        {},
        {"mqtt": {}, "cameras": {}},
        {"mqtt": {"topic_prefix": ""}, "cameras": {}},
        {"mqtt": {"topic_prefix": "frigate"}},
        {"mqtt": None, "cameras": {}},
    ],
)
async def test_config_of_something_else(
    server: FakeServer, client: FrigateClient, document: object
) -> None:
    """It must be one of Frigate's."""
    server.answer("/api/config", as_json(document))

    with pytest.raises(NotFrigate, match="/api/config is not Frigate's"):
        await client.config()


@pytest.mark.parametrize("version", VERSIONS)
async def test_uptime(server: FakeServer, client: FrigateClient, version: str) -> None:
    """From the service's own count."""
    server.record(version)
    told = json.loads(reply(version, "stats").body)["service"]["uptime"]

    assert await client.uptime() == told


@pytest.mark.parametrize(
    "document",
    [
        [],
        {},
        {"service": []},
        {"service": {"uptime": None}},
        {"service": {"uptime": True}},
        {"service": {"uptime": -5}},
        {"service": {"uptime": 10**400}},
        {"service": {"uptime": float("nan")}},
    ],
)
async def test_uptime_that_is_none(
    server: FakeServer, client: FrigateClient, document: object
) -> None:
    """The shape of the statistics varies."""
    server.answer("/api/stats", as_json(document))

    with pytest.raises(FrigateServerError, match="no uptime"):
        await client.uptime()


@pytest.mark.parametrize("version", VERSIONS)
async def test_camera_fps(
    server: FakeServer, client: FrigateClient, version: str
) -> None:
    """As Frigate counts; a camera that it does not count sends nothing."""
    server.record(version)
    assert await client.camera_fps("front_door") == 5.0
    assert await client.camera_fps("garage") == 0.0


@pytest.mark.parametrize("fps", [None, 0, -1, True, float("nan"), "5"])
async def test_camera_that_sends_nothing(
    server: FakeServer, client: FrigateClient, fps: object
) -> None:
    """The shape of the statistics varies."""
    document = {"cameras": {"front_door": {"camera_fps": fps}}}
    server.answer("/api/stats", as_json(document))
    assert await client.camera_fps("front_door") == 0.0


@pytest.mark.parametrize(
    ("record", "keeps_everything"),
    [
        ({"continuous": {"days": 1.0}}, True),
        ({"continuous": {"days": 0.0}, "motion": {"days": 3.0}}, False),
        ({"retain": {"days": 3, "mode": "all"}}, True),
        ({"retain": {"days": 3, "mode": "motion"}}, False),
        ({"retain": {"days": 0.0, "mode": "all"}}, False),
        ({}, False),
        ({"continuous": None}, False),
    ],
)
async def test_what_is_kept(
    server: FakeServer,
    client: FrigateClient,
    record: dict[str, object],
    keeps_everything: bool,
) -> None:
    """Each version says it in its own way whether a quiet hour is kept."""
    document = json.loads(reply("0.17.2", "config").body)
    document["cameras"]["front_door"]["record"] = {"enabled": True, **record}
    server.answer("/api/config", as_json(document))
    camera = (await client.config()).cameras["front_door"]
    assert camera.keeps_everything is keeps_everything


def event_row(**changes: object) -> dict[str, Any]:
    """Return a recorded row with some fields changed."""
    row: dict[str, Any] = json.loads(reply("0.17.2", "event-by-id").body)
    return row | {"id": "id"} | changes


# Around it


async def test_base_path(socket_enabled: None, make_client: MakeClient) -> None:
    """A Frigate below a path, as behind a proxy."""
    server = await FakeServer(base_path="/nvr/one").start()
    try:
        server.record("0.18.0")
        client = make_client(server.url + "/")
        assert await client.version() == FrigateVersion(0, 18)
        assert (await client.config()).topic_prefix == "frigate"
        assert [asked.path for asked in server.asked] == [
            "/nvr/one/api/version",
            "/nvr/one/api/config",
        ]
    finally:
        await server.close()


async def test_names_with_odd_characters(
    server: FakeServer, client: FrigateClient
) -> None:
    """They arrive as they are."""
    server.answer("/api/a b?c%2Fd#é/recordings", as_json([]))

    assert await client.recordings("a b?c%2Fd#é", after=1, before=2) == []


async def test_clock_offset(server: FakeServer, client: FrigateClient) -> None:
    """The recorded server has this machine's clock."""
    assert client.clock_offset == 0.0
    server.record("0.17.2")
    for _ in range(5):
        await client.version()
    assert client.clock_offset != 0.0
    assert client.clock_offset == pytest.approx(0.0, abs=0.6)


async def test_clock_offset_of_a_kept_answer(
    server: FakeServer, client: FrigateClient
) -> None:
    """The `Date` of an answer that a cache has kept is an old one."""
    version = reply("0.17.2", "version")
    kept = replace(version, headers=version.headers | {"age": "3600"})
    server.answer("/api/version", kept)
    await client.version()
    assert client.clock_offset == 0.0
