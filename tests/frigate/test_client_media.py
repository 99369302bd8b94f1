"""Pictures and clips that Frigate gives."""

import pytest

from custom_components.frigate_snap_sync.frigate.client import FrigateClient
from custom_components.frigate_snap_sync.frigate.errors import (
    FrigateServerError,
    MediaBroken,
    MediaGone,
    MediaNeverThere,
    MediaNotReady,
    NotFrigate,
)

from .recorded import VERSIONS, Reply, media, reply
from .server import FakeServer, as_bytes, as_json, page
from .test_client import collect, event_row, recorded_id

CLIP = "/api/front_door/start/{}/end/{}/clip.mp4"


def recorded_range(version: str) -> tuple[int, int]:
    """Return start and end of the recorded clip."""
    parts = reply(version, "clip-finished-review").path.split("/")
    return int(parts[4]), int(parts[6])


# Snapshots


@pytest.mark.parametrize("version", VERSIONS)
async def test_snapshot(
    server: FakeServer, client: FrigateClient, version: str
) -> None:
    """The picture of an object that ended."""
    server.record(version)

    image = await client.snapshot(recorded_id(version, "event-snapshot"))

    assert image == media(version, "snapshot-full.jpg").read_bytes()


@pytest.mark.parametrize("version", VERSIONS)
async def test_snapshot_of_nothing(
    server: FakeServer, client: FrigateClient, version: str
) -> None:
    """The object is not known at all."""
    server.record(version)

    with pytest.raises(MediaNeverThere, match="Live frame not available"):
        await client.snapshot("1000000000.123456-abcdef")


LATEST = "/api/front_door/latest.jpg"


async def test_latest(server: FakeServer, client: FrigateClient) -> None:
    """The newest picture of a camera."""
    picture = media("0.17.2", "snapshot-full.jpg").read_bytes()
    server.answer(LATEST, as_bytes(picture, "image/jpeg"))
    assert await client.latest("front_door") == picture


def stand_in_picture() -> Reply:
    """Return what Frigate shows in place of a camera that is offline."""
    picture = media("0.17.2", "snapshot-full.jpg").read_bytes()
    answer = as_bytes(picture, "image/jpeg")
    answer.headers["x-frigate-offline"] = "true"
    return answer


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (as_json({"success": False, "message": "Camera not found"}, 404), MediaGone),
        (stand_in_picture(), MediaNotReady),
        (as_bytes(b"", "image/jpeg"), MediaNotReady),
        (as_bytes(b"\xff\xd8 no more", "image/jpeg"), MediaBroken),
        (page(), NotFrigate),
        (
            as_json({"success": False, "message": "Unable to get valid frame"}, 500),
            FrigateServerError,
        ),
    ],
)
async def test_no_latest(
    server: FakeServer, client: FrigateClient, answer: Reply, error: type[Exception]
) -> None:
    """An old picture, or one that says that there is none, is none."""
    server.answer(LATEST, answer)
    with pytest.raises(error):
        await client.latest("front_door")


SNAPSHOT = "/api/events/id/snapshot.jpg"


MISSING = as_json({"success": False, "message": "Live frame not available"}, 404)


async def test_snapshot_between_end_and_database(
    server: FakeServer, client: FrigateClient
) -> None:
    """For a moment Frigate knows the object neither as running nor as ended."""
    server.answer(SNAPSHOT, MISSING)
    server.answer("/api/events/id", as_json(event_row(end_time=None)))
    with pytest.raises(MediaNotReady, match="Live frame not available"):
        await client.snapshot("id")

    server.answer(SNAPSHOT, MISSING, reply("0.17.2", "event-snapshot"))
    server.answer("/api/events/id", as_json(event_row()))
    assert await client.snapshot("id")

    server.answer(SNAPSHOT, MISSING)
    with pytest.raises(MediaNeverThere):
        await client.snapshot("id")

    server.asked.clear()
    server.answer("/api/events/id", as_json(event_row(has_snapshot=False)))
    with pytest.raises(MediaNeverThere):
        await client.snapshot("id")
    assert len(server.asked_for(SNAPSHOT)) == 1


async def test_snapshot_that_is_empty(
    server: FakeServer, client: FrigateClient
) -> None:
    """Asked for again later."""
    server.answer(SNAPSHOT, as_bytes(b"", "image/jpeg"))

    with pytest.raises(MediaNotReady, match="empty"):
        await client.snapshot("id")


# Clips


@pytest.mark.parametrize("version", VERSIONS)
async def test_clip(server: FakeServer, client: FrigateClient, version: str) -> None:
    """Asked for in whole seconds, and byte for byte what Frigate streams."""
    server.record(version)
    start, end = recorded_range(version)
    pieces, write = collect()

    size = await client.clip(
        "front_door", start=start + 0.7, end=end - 0.7, write=write
    )

    whole = media(version, "clip-complete.mp4").read_bytes()
    assert size == len(whole)
    assert b"".join(pieces) == whole


async def test_clip_of_many_pieces(server: FakeServer, client: FrigateClient) -> None:
    """Memory is bounded, however long it is."""
    server.record("0.17.2", "version")
    body = bytes(range(256)) * 4096 * 5 + b"rest"
    server.answer(CLIP.format(10, 20), as_bytes(body, "video/mp4"))
    pieces, write = collect()

    assert await client.clip("front_door", start=10, end=20, write=write) == len(body)
    assert b"".join(pieces) == body
    assert all(len(piece) <= 2 * 1024 * 1024 for piece in pieces)
    assert len(pieces) <= 6


@pytest.mark.parametrize(
    ("start", "end", "times"),
    [
        (10.9, 20.1, (10, 21)),
        (10.0, 20.0, (10, 20)),
        (-3.5, 2.0, (0, 2)),
        (10.2, 10.3, (10, 11)),
        (10.0, 10.0, (10, 11)),
    ],
)
async def test_clip_times(
    server: FakeServer,
    client: FrigateClient,
    start: float,
    end: float,
    times: tuple[int, int],
) -> None:
    """Outwards to whole seconds, never empty, never before 1970."""
    server.record("0.17.2", "version")
    server.answer(CLIP.format(*times), as_bytes(b"film", "video/mp4"))
    _, write = collect()

    assert await client.clip("front_door", start=start, end=end, write=write) == 4


async def test_clip_of_0_14(server: FakeServer, client: FrigateClient) -> None:
    """0.14 keeps clips by their times, also half made ones: each time another."""
    server.answer("/api/version", as_bytes(b"0.14.1-abc", "text/plain"))
    server.fallback = as_bytes(b"film", "video/mp4")
    _, write = collect()

    for _ in range(2):
        assert await client.clip("front_door", start=10.5, end=19.5, write=write) == 4

    paths = [asked.path for asked in server.asked if asked.path.endswith("clip.mp4")]
    assert len(set(paths)) == 2
    for path in paths:
        *_, first, _, last, _ = path.split("/")
        assert first == "10.0"
        assert last.startswith("20.")
        assert len(last) == 9


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", ["clip-no-recordings", "clip-unknown-camera"])
async def test_clip_of_nothing(
    server: FakeServer, client: FrigateClient, version: str, name: str
) -> None:
    """0.16 answers nothing at all, later ones say so."""
    server.record(version, "version", name)
    _, _, camera, _, start, _, end, _ = reply(version, name).path.split("/")
    pieces, write = collect()

    with pytest.raises(MediaNotReady):
        await client.clip(camera, start=int(start), end=int(end), write=write)
    assert pieces == []


async def test_clip_of_nothing_in_0_14(
    server: FakeServer, client: FrigateClient
) -> None:
    """There it is an error of the server, and says nothing about later."""
    server.answer("/api/version", as_bytes(b"0.14.1-abc", "text/plain"))
    server.fallback = as_json(
        {"success": False, "message": "Could not create clip from recordings"}, 500
    )
    _, write = collect()

    with pytest.raises(MediaNotReady, match="Could not create clip"):
        await client.clip("front_door", start=1, end=2, write=write)


async def test_clip_that_frigate_does_not_have(
    server: FakeServer, client: FrigateClient
) -> None:
    """Only Frigate's own word counts."""
    server.record("0.17.2", "version")
    server.answer(CLIP.format(1, 2), as_json({"message": "Camera not found"}, 404))
    _, write = collect()

    with pytest.raises(MediaGone, match="Camera not found"):
        await client.clip("front_door", start=1, end=2, write=write)

    server.record("0.17.2", "unknown-route")
    server.answer(CLIP.format(1, 2), reply("0.17.2", "unknown-route"))
    with pytest.raises(FrigateServerError, match="404"):
        await client.clip("front_door", start=1, end=2, write=write)


async def test_clip_that_can_not_be_written(
    server: FakeServer, client: FrigateClient
) -> None:
    """What the writer raises is the writer's."""
    server.record("0.17.2")
    start, end = recorded_range("0.17.2")

    async def write(piece: bytes) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        await client.clip("front_door", start=start, end=end, write=write)
    assert await client.version(), "the client still works"
