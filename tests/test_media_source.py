"""What lies at the destinations is browsed, searched and played."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any, override
from urllib.parse import quote

from aiohttp import ClientResponse, hdrs
from aiohttp.test_utils import TestClient
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import (
    ClientSessionGenerator,
    WebSocketGenerator,
)

from custom_components.frigate_snap_sync.media_ids import file_path
from custom_components.frigate_snap_sync.storage.errors import Unreachable
from custom_components.frigate_snap_sync.sync.ledger import live_files
from custom_components.frigate_snap_sync.sync.model.errors import LedgerError
from custom_components.frigate_snap_sync.sync.model.item import Media
from custom_components.frigate_snap_sync.sync.model.stored import FileKey
from custom_components.frigate_snap_sync.words import async_load_words
from homeassistant.components.media_player import (
    BrowseError,
    MediaClass,
    SearchMediaQuery,
)
from homeassistant.components.media_source import (
    BrowseMediaSource,
    Unresolvable,
    async_browse_media,
    async_resolve_media,
    async_search_media,
)
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component

from .component import ENTRY_ID, StandInEngine, async_set_up, frigate_entry
from .sync.conftest import Bench, setup
from .sync.fakes import CLIP, FakeDestination
from .sync.test_virtual_mp4 import whole

pytestmark = pytest.mark.usefixtures("mqtt_client")

ROOT = "media-source://frigate_snap_sync"


class Server(FakeDestination):
    """Sends slowly, if it is to, and counts who reads."""

    readers = 0
    sent = 0
    pause = 0.0
    breaks_after: int | None = None

    @override
    async def open_read(
        self, path: str, *, start: int = 0, length: int | None = None
    ) -> AsyncGenerator[bytes]:
        self.readers += 1
        try:
            async for data in super().open_read(path, start=start, length=length):
                for at in range(0, len(data), 16384):
                    if self.breaks_after is not None and at >= self.breaks_after:
                        raise Unreachable("The connection was lost")
                    await asyncio.sleep(self.pause)
                    self.sent += 1
                    yield data[at : at + 16384]
        finally:
            self.readers -= 1


@dataclass
class Archive:
    """An entry whose destination has some files."""

    bench: Bench
    server: Server
    entry: MockConfigEntry
    start: float
    review: str
    snapshot: str

    @property
    def clip(self) -> FileKey:
        """Return the recording."""
        return FileKey(media=Media.RECORDINGS, source_id=self.review)

    @property
    def day(self) -> str:
        """Return the day of all that lies there."""
        return f"{self.local(0):%Y-%m-%d}"

    async def replace_clip(self, data: bytes) -> None:
        """Let the recording be another file, which was verified as such."""
        path = next(path for path, each in self.server.files.items() if each == CLIP)
        self.server.files[path] = data

        def resize(connection: Any) -> None:
            connection.execute(
                "UPDATE uploads SET size = ? WHERE item_id ="
                " (SELECT id FROM items WHERE source_id = ?)",
                (len(data), self.review),
            )

        await self.bench.engine._ledger.run(resize)  # noqa: SLF001

    def local(self, seconds: float) -> datetime:
        """Return a moment after the review's start, as Home Assistant shows it."""
        return datetime.fromtimestamp(
            self.start + seconds, self.bench.engine.playback.time_zone
        )


@pytest.fixture
async def archive(
    hass: HomeAssistant, engine: StandInEngine, tmp_path: Path
) -> AsyncIterator[Archive]:
    """Let a real engine bring a recording and two pictures there."""
    bench, server = Bench(tmp_path / "bench"), Server()
    with bench.threads.watched():
        real = await bench.start(setup(server))
        # Not near the end of a day.
        noon = datetime.now(real.playback.time_zone).replace(
            hour=12, minute=0, second=0
        )
        start = (noon - timedelta(days=1)).timestamp()
        bench.live_snapshot(label="traffic light")
        snapshot = bench.tracked_object(start_time=start + 5, end_time=start + 9)
        review = bench.review(
            "end",
            start=start,
            end=start + 32.4,
            detections=[snapshot],
            objects=["person", "dog"],
            zones=["porch"],
        )
        assert await bench.settled() == {"verified": 3}
        engine.playback = real.playback
        entry = frigate_entry()
        await async_set_up(hass, entry)
        assert await async_setup_component(hass, "media_source", {})
        yield Archive(bench, server, entry, start, review, snapshot)
        await bench.stop()


async def browse(hass: HomeAssistant, path: str = "") -> dict[str, Any]:
    """Return what the frontend gets."""
    found = await async_browse_media(hass, f"{ROOT}{path and '/'}{path}")
    assert isinstance(found, BrowseMediaSource)
    return found.as_dict()


async def test_browsed_by_camera_and_day(hass: HomeAssistant, archive: Archive) -> None:
    """Each folder leads to the next one, the newest first, with a picture of each."""
    root = await browse(hass)
    assert root["title"] == "Frigate Snap Sync"
    titles = []
    shown = root
    for _ in range(3):
        folder = shown["children"][-1]
        assert (folder["can_expand"], folder["can_play"]) == (True, False)
        titles.append(folder["title"])
        shown = await browse(hass, folder["media_content_id"].removeprefix(f"{ROOT}/"))
        assert shown["title"] == folder["title"]
        assert shown["media_content_id"] == folder["media_content_id"]
    assert titles == ["Frigate", "front_door", archive.day]
    (camera,) = (await browse(hass, ENTRY_ID))["children"]
    rows = await archive.bench.uploads(media="live_snapshots")
    live = FileKey(media=Media.LIVE_SNAPSHOTS, source_id=rows[0].item_id)
    assert camera["thumbnail"] == file_path(ENTRY_ID, live)
    snapshot, recording = shown["children"]
    assert snapshot["title"] == "12:00 person, Snapshot"
    assert recording["title"] == "12:00 dog, person, 32 s, Alert"
    assert recording["can_play"]
    assert not recording["can_expand"]
    assert recording["media_class"] == MediaClass.VIDEO
    assert recording["media_content_type"] == "video/mp4"
    key = FileKey(media=Media.SNAPSHOTS, source_id=archive.snapshot)
    assert recording["thumbnail"] == file_path(ENTRY_ID, key) == snapshot["thumbnail"]
    assert snapshot["media_class"] == MediaClass.IMAGE
    (days,) = [await browse(hass, f"{ENTRY_ID}/front_door")]
    assert len(days["children"]) == 2
    assert days["children"][0]["title"] > days["children"][1]["title"]


async def test_called_as_their_owner_does(
    hass: HomeAssistant, archive: Archive, engine: StandInEngine
) -> None:
    """Cameras have the names of their devices, in folders and in what is found."""
    camera = replace(engine.status.cameras["front_door"], display_name="Front door")
    engine.show(cameras={"front_door": camera})
    (folder,) = (await browse(hass, ENTRY_ID))["children"]
    assert folder["title"] == "Front door"
    assert folder["media_content_id"] == f"{ROOT}/{ENTRY_ID}/front_door"
    assert (await browse(hass, f"{ENTRY_ID}/front_door"))["title"] == "Front door"
    query = SearchMediaQuery(search_query="dog")
    found = await async_search_media(hass, ROOT, query)
    assert [each.title for each in found.result] == [
        f"{archive.day} 12:00 dog, person, 32 s, Alert, Front door"
    ]


@pytest.mark.parametrize(
    ("text", "finds"),
    [
        ("haustür", 2),
        ("HAUSTÜR alarm", 2),
        ("alarm", 2),
        ("erkennung", 0),
        ("alert", 2),
        ("front_door", 2),
        ("vorne", 2),
        ("hinten", 0),
    ],
)
async def test_found_by_what_is_shown(
    hass: HomeAssistant,
    archive: Archive,
    engine: StandInEngine,
    text: str,
    finds: int,
) -> None:
    """Names of cameras and severities, in any language; and Frigate's own."""
    hass.config.language = "de"
    await async_load_words(hass)
    camera = replace(engine.status.cameras["front_door"], display_name="Haustür vorne")
    engine.show(cameras={"front_door": camera})
    query = SearchMediaQuery(search_query=f"{text} {archive.day}")
    result = (await async_search_media(hass, ROOT, query)).result
    assert len(result) == finds


async def test_film_while_it_happens(
    hass: HomeAssistant, archive: Archive, hass_client: ClientSessionGenerator
) -> None:
    """Of an active review it is shown, and played, as far as it has come."""
    review = archive.bench.review("new", start=archive.start + 60)
    ledger = archive.bench.engine._ledger  # noqa: SLF001
    film: live_files.LiveFile | None = None
    while film is None:  # The review is kept in a moment.
        film = await ledger.run(
            live_files.begin,
            review,
            "nas",
            base="film.mp4",
            short_id="a",
            start=archive.start + 60,
        )
        await asyncio.sleep(0.01)
    await ledger.run(live_files.own, film.id)
    archive.server.files[film.path] = b"film"
    day = await browse(hass, f"{ENTRY_ID}/front_door/{archive.day}")
    tile = day["children"][0]
    assert tile["title"] == "12:01 person, Alert, Live footage"
    assert tile["media_class"] == MediaClass.VIDEO
    identifier = tile["media_content_id"]
    client = await hass_client()
    for growth in (b"", b" grows"):
        archive.server.files[film.path] += growth
        played = await async_resolve_media(hass, identifier, None)
        assert played.mime_type == "video/mp4"
        response = await client.get(played.url)
        assert await response.read() == archive.server.files[film.path]
        # The browser must ask again how far it has come.
        assert "no-cache" in response.headers[hdrs.CACHE_CONTROL]


async def test_a_day_of_very_much(hass: HomeAssistant, archive: Archive) -> None:
    """Is shown by the hour, so that nothing is left out."""
    start = archive.local(0).replace(hour=0).timestamp()
    await archive.bench.stop()
    engine = await archive.bench.start(setup(archive.server))

    def fill(connection: Any) -> None:
        connection.executemany(
            "INSERT INTO items (media, source_id, camera, label, labels, zones, start,"
            " end, reported_at, is_open, copies)"
            " VALUES ('snapshots', ?1, 'front_door', 'cat', '[]', '[]', ?2, ?2, ?2, 0, 1)",
            [(f"{number}.5-x", start + number * 60) for number in range(600)],
        )

    await engine._ledger.run(fill)  # noqa: SLF001
    assert archive.entry.runtime_data.engine.playback is not None
    archive.entry.runtime_data.engine.playback = engine.playback
    day = await browse(hass, f"{ENTRY_ID}/front_door/{archive.day}")
    assert [each["title"] for each in day["children"]] == ["12:00"]
    identifier = day["children"][0]["media_content_id"].removeprefix(f"{ROOT}/")
    hour = await browse(hass, identifier)
    assert hour["title"] == "12:00"
    assert len(hour["children"]) == 2


@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01"])
async def test_the_last_day_of_all(
    hass: HomeAssistant, archive: Archive, day: str
) -> None:
    """Has no day behind it, and can be asked for all the same."""
    shown = await browse(hass, f"{ENTRY_ID}/front_door/{day}")
    assert not shown["children"]
    query = SearchMediaQuery(search_query=f"person {day}")
    assert not (await async_search_media(hass, ROOT, query)).result


async def test_half_letters(hass: HomeAssistant, archive: Archive) -> None:
    """Are in no name: nothing is found by them, and nothing breaks."""
    query = SearchMediaQuery(search_query="\ud800")
    assert not (await async_search_media(hass, ROOT, query)).result
    for path in ("front_\ud800", f"front_\ud800/{archive.day}"):
        assert not (await browse(hass, f"{ENTRY_ID}/{path}"))["children"]


@pytest.mark.parametrize(
    ("text", "finds"),
    [
        (" ".join(["person"] * 300), True),
        ("p e r s o n pe er rs so cat", True),
        ("p e r s o n pe er rs cat", False),
        ("person " + "x" * 60_000, False),
    ],
)
async def test_a_search_for_very_much(
    hass: HomeAssistant, archive: Archive, text: str, finds: bool
) -> None:
    """Is one for ten words: all else waits for the ledger meanwhile."""
    query = SearchMediaQuery(search_query=text)
    result = (await async_search_media(hass, ROOT, query)).result
    assert bool(result) == finds


@pytest.mark.parametrize(
    "path",
    [
        "elsewhere",
        f"{ENTRY_ID}/front_door/yesterday",
        f"{ENTRY_ID}/front_door/2026-11-22/noon",
        f"{ENTRY_ID}/front_door/2026-11-22/{10**30}",
    ],
)
@pytest.mark.usefixtures("archive")
async def test_what_is_not_there(hass: HomeAssistant, path: str) -> None:
    """Is said as such; nothing else breaks."""
    with pytest.raises(BrowseError) as caught:
        await browse(hass, path)
    assert caught.value.translation_key in {"media_not_found", "frigate_not_loaded"}


async def test_odd_names(hass: HomeAssistant, archive: Archive) -> None:
    """A camera may be called anything; of one that is not there nothing is shown."""
    empty = await browse(hass, f"{ENTRY_ID}/{quote('a/b ?#%', safe='')}")
    assert empty["title"] == "a/b ?#%"
    assert not empty["children"]


async def test_the_ledger_fails(hass: HomeAssistant, archive: Archive) -> None:
    """The media browser says why, and the file is not there now."""
    archive.bench.faults.run = lambda job, run: _fail()
    with pytest.raises(BrowseError) as caught:
        await browse(hass, ENTRY_ID)
    assert caught.value.translation_key == "ledger_not_usable"


async def _fail() -> Any:
    raise LedgerError("The disk is gone")


@pytest.mark.parametrize(
    ("text", "classes", "found"),
    [
        ("person", None, ["snapshot", "recording"]),
        ("PERSON porch", None, ["recording"]),
        ("dog front", None, ["recording"]),
        ("alert", [MediaClass.IMAGE], ["snapshot"]),
        ("person", [MediaClass.VIDEO], ["recording"]),
        ("person", [MediaClass.VIDEO, MediaClass.IMAGE], ["snapshot", "recording"]),
        ("person", [MediaClass.MUSIC], []),
        ("pers_n", None, []),
        ("%", None, []),
        ("cat", None, []),
        ("DAY", None, ["snapshot", "recording"]),
        ("DAY dog", None, ["recording"]),
        ("2020-01-01", None, []),
    ],
)
async def test_searched(
    hass: HomeAssistant,
    archive: Archive,
    text: str,
    classes: list[MediaClass] | None,
    found: list[str],
) -> None:
    """Every word must fit: a label, a zone, a camera, a severity, or a day."""
    query = SearchMediaQuery(
        search_query=text.replace("DAY", archive.day), media_filter_classes=classes
    )
    for where in ("", f"/{ENTRY_ID}", f"/{ENTRY_ID}/front_door"):
        result = await async_search_media(hass, f"{ROOT}{where}", query)
        kinds = [each.media_content_id.split("/")[5] for each in result.result]
        assert kinds == found
        assert all(archive.day in each.title for each in result.result)
    elsewhere = await async_search_media(hass, f"{ROOT}/{ENTRY_ID}/attic", query)
    assert not elsewhere.result


async def test_resolved(
    hass: HomeAssistant,
    archive: Archive,
    hass_ws_client: WebSocketGenerator,
    hass_client_no_auth: ClientSessionGenerator,
) -> None:
    """The frontend gets a URL with a signature, which a player opens."""
    media_id = f"{ROOT}/{ENTRY_ID}/file/recording/{archive.review}/1.mp4"
    found = await async_resolve_media(hass, media_id, None)
    assert found.url == file_path(ENTRY_ID, archive.clip)
    assert found.mime_type == "video/mp4"
    socket = await hass_ws_client(hass)
    await socket.send_json_auto_id(
        {"type": "media_source/resolve_media", "media_content_id": media_id}
    )
    answer = await socket.receive_json()
    client = await hass_client_no_auth()
    response = await client.get(answer["result"]["url"])
    assert response.status == HTTPStatus.OK
    assert await response.read() == await whole(CLIP)
    for wrong in (
        f"/{ENTRY_ID}/file/recording/a/1.jpg",
        f"/{ENTRY_ID}/front_door",
        f"/{ENTRY_ID}/file/recording/a/1.mp4/2",
        "",
    ):
        with pytest.raises(Unresolvable):
            await async_resolve_media(hass, f"{ROOT}{wrong}", None)
    assert await hass.config_entries.async_unload(ENTRY_ID)
    with pytest.raises(Unresolvable):
        await async_resolve_media(hass, media_id, None)


@pytest.fixture
async def client(
    hass_client: ClientSessionGenerator, archive: Archive
) -> TestClient[Any, Any]:
    """Return a client that is logged in."""
    made: TestClient[Any, Any] = await hass_client()
    return made


async def get(
    client: TestClient[Any, Any], key: FileKey, **headers: str
) -> ClientResponse:
    """Ask for a file."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    response: ClientResponse = await client.get(file_path(ENTRY_ID, key), headers=named)
    return response
