"""Upload events come at a rate that the recorder can bear."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from typing import override

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.frigate_snap_sync.pacing import MAX_WAITING
from custom_components.frigate_snap_sync.sync.model.stored import FileKey
from custom_components.frigate_snap_sync.sync.playback.playback import Playback
from custom_components.frigate_snap_sync.sync.playback.reading import (
    Choose,
    NotThere,
    Reader,
    Reading,
)
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.helpers.event import async_track_state_change_event

from .component import (
    ENTRY_ID,
    LOCAL_ID,
    StandInEngine,
    async_set_up,
    frigate_entry,
    local_subentry,
)

pytestmark = pytest.mark.usefixtures("mqtt_client")

ENTITY_ID = "event.garage_nas_upload"
IN_EVERY_STATE = {"event_types", "friendly_name"}


class Nothing(Playback):
    """Knows no file."""

    def __init__(self) -> None:
        """Need nothing for that."""
        self.reader = NoReader()


class NoReader(Reader):
    """Finds nothing."""

    def __init__(self) -> None:
        """Need nothing for that."""

    @override
    @asynccontextmanager
    async def open(self, key: FileKey, choose: Choose) -> AsyncIterator[Reading]:
        raise NotThere
        yield


NOTHING = Nothing()


@pytest.fixture
def events(
    hass: HomeAssistant, engine: StandInEngine, entry: MockConfigEntry
) -> list[dict[str, object]]:
    """Return the attributes of the events, as they come."""
    found: list[dict[str, object]] = []

    @callback
    def note(event: Event[EventStateChangedData]) -> None:
        if state := event.data["new_state"]:
            found.append(dict(state.attributes))

    async_track_state_change_event(hass, ENTITY_ID, note)
    return found


async def pass_second(hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> None:
    """Let a second pass."""
    freezer.tick(timedelta(seconds=1.1))
    async_fire_time_changed(hass)
    await hass.async_block_till_done()


async def test_what_an_event_says(
    hass: HomeAssistant,
    engine: StandInEngine,
    events: list[dict[str, object]],
    hass_client_no_auth: ClientSessionGenerator,
) -> None:
    """All that a notification needs; its URL is relative, and opens without a login."""
    engine.upload(
        labels=("dog", "person"),
        severity="alert",
        zones=("porch",),
        start=1795336200.0,
        end=1795336232.4,
        review_id="1795336200.123456-l0g9kw",
        object_ids=("1795336200.9-abc123",),
        file="1.mp4",
    )
    await hass.async_block_till_done()
    (event,) = events
    url = event.pop("url")
    assert {key: event[key] for key in event.keys() - IN_EVERY_STATE} == {
        "event_type": "uploaded",
        "camera": "front_door",
        "media": "recording",
        "labels": ["dog", "person"],
        "severity": "alert",
        "zones": ["porch"],
        "start": "2026-11-22T00:30:00-08:00",
        "end": "2026-11-22T00:30:32.400000-08:00",
        "duration": 32.4,
        "size": 8_500_000,
        "destination": "Garage NAS",
        "destination_id": LOCAL_ID,
        "path": "2026-11-22/2026-11-22_18-04-31+0100-front_door-recording-person-l0g9kw.mp4",
        "id": "1795336200.123456-l0g9kw",
        "review_id": "1795336200.123456-l0g9kw",
        "object_ids": ["1795336200.9-abc123"],
        "reason": None,
        "cause": None,
        "config_entry_id": ENTRY_ID,
        "media_content_id": f"media-source://frigate_snap_sync/{ENTRY_ID}/file/recording/"
        "1795336200.123456-l0g9kw/1.mp4",
        "omitted": 0,
    }
    assert isinstance(url, str)
    assert url.startswith("/api/frigate_snap_sync/file/")
    client = await hass_client_no_auth()
    unsigned = await client.get(url.partition("?")[0])
    assert unsigned.status == HTTPStatus.UNAUTHORIZED
    engine.playback = NOTHING
    assert (await client.get(url)).status == HTTPStatus.NOT_FOUND


async def test_a_failure_has_no_address(
    hass: HomeAssistant, engine: StandInEngine, events: list[dict[str, object]]
) -> None:
    """Nothing is there to be shown."""
    engine.upload(verified=False, reason="no footage", size=None)
    await hass.async_block_till_done()
    (event,) = events
    assert (event["event_type"], event["reason"]) == ("failed", "no footage")
    assert event["url"] is event["media_content_id"] is event["end"] is None


async def test_one_event_a_second(
    hass: HomeAssistant,
    engine: StandInEngine,
    events: list[dict[str, object]],
    freezer: FrozenDateTimeFactory,
) -> None:
    """The first at once, the others in their order; and at once again after a rest."""
    for number in range(3):
        engine.upload(path=f"{number}.mp4")
    await hass.async_block_till_done()
    assert [each["path"] for each in events] == ["0.mp4"]
    for _ in range(4):
        await pass_second(hass, freezer)
    assert [each["path"] for each in events] == ["0.mp4", "1.mp4", "2.mp4"]
    assert {each["omitted"] for each in events} == {0}
    engine.upload(path="3.mp4")
    await hass.async_block_till_done()
    assert events[-1]["path"] == "3.mp4"


@pytest.mark.usefixtures("steady_loop")
async def test_what_ended_before_the_entity_was_there(
    hass: HomeAssistant, engine: StandInEngine, folders: Path
) -> None:
    """Such as what the spool lost while Home Assistant was off."""
    engine.at_start = [{"path": f"{n}.mp4", "verified": False} for n in range(2)]
    await async_set_up(hass, frigate_entry(subentries=[local_subentry("/media/nas")]))
    state = hass.states.get(ENTITY_ID)
    assert state is not None
    assert state.attributes["event_type"] == "failed"
    assert state.attributes["path"] == "0.mp4"


async def test_of_a_flood_some_are_left_out(
    hass: HomeAssistant,
    engine: StandInEngine,
    events: list[dict[str, object]],
    freezer: FrozenDateTimeFactory,
) -> None:
    """But no failure, and the next event says how many."""
    engine.upload(path="first.mp4")
    engine.upload(path="bad.mp4", verified=False, reason="no footage")
    for number in range(100):
        engine.upload(path=f"{number}.mp4")
    for _ in range(MAX_WAITING + 5):
        await pass_second(hass, freezer)
    assert len(events) == 1 + MAX_WAITING
    assert [each["path"] for each in events[:3]] == ["first.mp4", "bad.mp4", "41.mp4"]
    assert [each["omitted"] for each in events[:3]] == [0, 41, 0]
    assert events[-1]["path"] == "99.mp4"


async def test_nothing_is_told_after_the_end(
    hass: HomeAssistant,
    engine: StandInEngine,
    entry: MockConfigEntry,
    events: list[dict[str, object]],
    freezer: FrozenDateTimeFactory,
) -> None:
    """What waits for its second ends with the entity."""
    engine.upload(path="0.mp4")
    engine.upload(path="1.mp4")
    assert await hass.config_entries.async_unload(entry.entry_id)
    await pass_second(hass, freezer)
    assert "1.mp4" not in {each.get("path") for each in events}
