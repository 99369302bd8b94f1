"""The image of a camera is the newest picture of it, also after a restart."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
import os
from pathlib import Path
import stat

import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_capture_events,
    async_fire_time_changed,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.frigate_snap_sync.picture_files import picture_path
from custom_components.frigate_snap_sync.sync.model.status import Picture
from homeassistant.components.image import async_get_image
from homeassistant.const import EVENT_STATE_CHANGED, STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util

from .component import ENTRY_ID, StandInEngine, async_set_up, frigate_entry

pytestmark = pytest.mark.usefixtures("mqtt_client")

ENTITY_ID = "image.front_door_last_snapshot"
MOMENT = datetime(2024, 11, 22, 18, 4, 31, 250_000, tzinfo=UTC)


@pytest.fixture
async def entry(
    hass: HomeAssistant, engine: StandInEngine, folders: Path
) -> MockConfigEntry:
    """Set up an entry with a camera."""
    entry = frigate_entry()
    await async_set_up(hass, entry)
    return entry


async def come(
    hass: HomeAssistant,
    engine: StandInEngine,
    image: bytes,
    *,
    later: float = 0,
    camera: str = "front_door",
) -> None:
    """Let a picture come, and wait until it is kept."""
    moment = MOMENT + timedelta(seconds=later)
    engine.arguments["services"].signals.pictured(
        Picture(camera=camera, image=image, moment=moment)
    )
    await hass.async_block_till_done(wait_background_tasks=True)


async def pass_second(hass: HomeAssistant) -> None:
    """Let the second be over in which no other state is written."""
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=1.1))
    await hass.async_block_till_done()


def state(hass: HomeAssistant) -> str:
    """Return the image's state."""
    found = hass.states.get(ENTITY_ID)
    assert found is not None
    return found.state


def kept(folders: Path) -> Path:
    """Return the file of the camera."""
    return picture_path(folders / "config" / ".cache", ENTRY_ID, "front_door")


async def test_the_newest_picture(
    hass: HomeAssistant,
    engine: StandInEngine,
    entry: MockConfigEntry,
    hass_client: ClientSessionGenerator,
) -> None:
    """One of another camera, or that was fetched late, does not replace it."""
    assert state(hass) == STATE_UNKNOWN
    await come(hass, engine, b"first")
    await come(hass, engine, b"second", later=5)
    await come(hass, engine, b"late", later=1)
    await come(hass, engine, b"other", later=9, camera="back-yard_2")
    await pass_second(hass)
    assert state(hass) == (MOMENT + timedelta(seconds=5)).isoformat()
    image = await async_get_image(hass, ENTITY_ID)
    assert (image.content_type, image.content) == ("image/jpeg", b"second")
    client = await hass_client()
    response = await client.get(f"/api/image_proxy/{ENTITY_ID}")
    assert response.status == HTTPStatus.OK
    assert await response.read() == b"second"


@pytest.mark.usefixtures("steady_loop")
async def test_a_flood_of_pictures(
    hass: HomeAssistant, engine: StandInEngine, entry: MockConfigEntry
) -> None:
    """Is a state a second, the last of them that of the newest; the picture is there."""
    states = async_capture_events(hass, EVENT_STATE_CHANGED)

    def written() -> int:
        return sum(event.data["entity_id"] == ENTITY_ID for event in states)

    for number in range(20):
        await come(hass, engine, b"%d" % number, later=number)
        assert (await async_get_image(hass, ENTITY_ID)).content == b"%d" % number
    assert written() == 1
    assert state(hass) == MOMENT.isoformat()
    await pass_second(hass)
    assert written() == 2
    assert state(hass) == (MOMENT + timedelta(seconds=19)).isoformat()
    await pass_second(hass)
    await pass_second(hass)
    assert written() == 2
    await come(hass, engine, b"later", later=30)
    assert written() == 3
    await come(hass, engine, b"last", later=31)
    assert await hass.config_entries.async_unload(ENTRY_ID)
    await pass_second(hass)
    assert state(hass) == STATE_UNAVAILABLE


async def test_it_is_there_after_a_restart(
    hass: HomeAssistant, engine: StandInEngine, entry: MockConfigEntry, folders: Path
) -> None:
    """With its time: from one file in the cache, and no other."""
    await come(hass, engine, b"first")
    await come(hass, engine, b"second", later=5)
    assert [*kept(folders).parent.iterdir()] == [kept(folders)]
    assert await hass.config_entries.async_reload(ENTRY_ID)
    await hass.async_block_till_done()
    assert state(hass) == (MOMENT + timedelta(seconds=5)).isoformat()
    assert (await async_get_image(hass, ENTITY_ID)).content == b"second"
    await come(hass, engine, b"late", later=1)
    assert (await async_get_image(hass, ENTITY_ID)).content == b"second"
    await come(hass, engine, b"third", later=6)
    assert (await async_get_image(hass, ENTITY_ID)).content == b"third"


async def test_a_picture_from_the_future(
    hass: HomeAssistant, engine: StandInEngine, entry: MockConfigEntry
) -> None:
    """A clock was wrong when it came: the next one replaces it all the same."""
    ahead = (dt_util.utcnow() + timedelta(days=365) - MOMENT).total_seconds()
    await come(hass, engine, b"future", later=ahead)
    await come(hass, engine, b"now")
    await pass_second(hass)
    assert (await async_get_image(hass, ENTITY_ID)).content == b"now"
    assert state(hass) == MOMENT.isoformat()


@pytest.mark.parametrize("damage", ["empty", "folder"])
async def test_a_kept_picture_that_can_not_be_used(
    hass: HomeAssistant, engine: StandInEngine, folders: Path, damage: str
) -> None:
    """Is none; what comes is shown all the same."""
    path = kept(folders)
    path.parent.mkdir(parents=True)
    if damage == "empty":
        path.touch()
    else:
        path.mkdir()
    await async_set_up(hass, frigate_entry())
    assert state(hass) == STATE_UNKNOWN
    await come(hass, engine, b"first")
    assert (await async_get_image(hass, ENTITY_ID)).content == b"first"


async def test_what_came_before_the_entity_was_there(
    hass: HomeAssistant, engine: StandInEngine, folders: Path
) -> None:
    """Of a camera that is new, the picture is the first that is heard of it."""
    await async_set_up(hass, frigate_entry())
    await come(hass, engine, b"one", camera="attic")
    await come(hass, engine, b"two", camera="attic", later=1)
    camera = engine.status.cameras["front_door"]
    attic = replace(camera, name="attic", display_name="attic")
    engine.show(cameras={"front_door": camera, "attic": attic})
    await hass.async_block_till_done()
    image = await async_get_image(hass, "image.attic_last_snapshot")
    assert image.content == b"two"


async def test_forgotten_with_its_camera(
    hass: HomeAssistant, engine: StandInEngine, entry: MockConfigEntry, folders: Path
) -> None:
    """And with the entry."""
    await come(hass, engine, b"first")
    engine.show(cameras={})
    await hass.async_block_till_done(wait_background_tasks=True)
    assert not kept(folders).exists()
    assert hass.states.get(ENTITY_ID) is None


async def test_forgotten_with_its_entry(
    hass: HomeAssistant, engine: StandInEngine, entry: MockConfigEntry, folders: Path
) -> None:
    """Nothing of it stays in the cache."""
    await come(hass, engine, b"first")
    assert kept(folders).exists()
    assert await hass.config_entries.async_remove(ENTRY_ID)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert not kept(folders).parent.exists()


@pytest.mark.parametrize("is_old", [False, True])
async def test_home_assistant_s_user_alone_sees_what_is_kept(
    hass: HomeAssistant,
    engine: StandInEngine,
    entry: MockConfigEntry,
    folders: Path,
    is_old: bool,
) -> None:
    """A camera's picture is nothing for others on the machine, as in the spool."""
    path = kept(folders)
    before = os.umask(0)
    try:
        if is_old:
            path.parent.mkdir(parents=True, mode=0o755)
            path.touch(0o644)
            path.with_suffix(".tmp").touch(0o644)
        await come(hass, engine, b"image")
    finally:
        os.umask(before)
    assert path.read_bytes() == b"image"
    modes = [stat.filemode(each.stat().st_mode) for each in (path.parent, path)]
    assert modes == ["drwx------", "-rw-------"]
    assert list(path.parent.iterdir()) == [path]
