"""Triggers and conditions, in automations that a real Home Assistant runs."""

import asyncio
from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
    async_mock_service,
)
from yarl import URL

from custom_components.frigate_snap_sync.const import DOMAIN
from custom_components.frigate_snap_sync.devices import (
    camera_identifier,
    destination_identifier,
    frigate_identifier,
)
from custom_components.frigate_snap_sync.sync.model.status import Protection, Reason
from custom_components.frigate_snap_sync.sync.model.stored import FileKey
from custom_components.frigate_snap_sync.upload_data import UPLOAD_ENDED, upload_data
from homeassistant.const import EVENT_HOMEASSISTANT_STARTED
from homeassistant.core import CoreState, HassJob, HomeAssistant, ServiceCall
from homeassistant.helpers import (
    area_registry as ar,
    condition,
    device_registry as dr,
    entity_registry as er,
    trigger,
)
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util

from .component import (
    ENTRY_ID,
    LOCAL_ID,
    SFTP_ID,
    UPLOAD,
    StandInEngine,
    async_set_up,
    frigate_entry,
    local_subentry,
    sftp_subentry,
)

pytestmark = pytest.mark.usefixtures("mqtt_client")

CAMERA = camera_identifier(ENTRY_ID, "front_door")
FRIGATE = frigate_identifier(ENTRY_ID)
NAS, SERVER = destination_identifier(LOCAL_ID), destination_identifier(SFTP_ID)


@pytest.fixture
async def entry(hass: HomeAssistant, engine: StandInEngine) -> MockConfigEntry:
    """Set up an entry with two destinations."""
    await hass.config.async_set_time_zone("Europe/Berlin")
    entry = frigate_entry(subentries=[local_subentry("/media/nas"), sftp_subentry()])
    await async_set_up(hass, entry)
    return entry


@pytest.fixture
def calls(hass: HomeAssistant) -> list[ServiceCall]:
    """Note what automations do."""
    noted: list[ServiceCall] = async_mock_service(hass, "test", "automation")
    return noted


def device(hass: HomeAssistant, identifier: tuple[str, str]) -> str:
    """Return the id of a device."""
    found = dr.async_get(hass).async_get_device_by_identifier(identifier, ENTRY_ID)
    assert found is not None
    return found.id


async def automate(
    hass: HomeAssistant,
    kind: str,
    target: dict[str, Any],
    *,
    conditions: list[dict[str, Any]] | None = None,
    data: dict[str, str] | None = None,
    options: dict[str, Any] | None = None,
) -> None:
    """Set up an automation with one of our triggers."""
    assert await async_setup_component(
        hass,
        "automation",
        {
            "automation": {
                "triggers": {
                    "trigger": f"{DOMAIN}.{kind}",
                    "target": target,
                    "options": options or {},
                },
                "conditions": conditions or [],
                "actions": {"action": "test.automation", "data": data or {}},
                "mode": "parallel",
                "max": 1000,
            }
        },
    )
    await hass.async_block_till_done()


async def test_described_as_they_are(
    hass: HomeAssistant, engine: StandInEngine, entry: MockConfigEntry
) -> None:
    """Home Assistant reads the descriptions of all of them."""
    triggers = await trigger.async_get_all_descriptions(hass)
    ours = {key for key in triggers if key.startswith(DOMAIN)}
    assert ours == {
        f"{DOMAIN}.{key}"
        for key in ("upload_verified", "upload_failed", "protection_changed")
    }
    assert all(triggers[key] for key in ours)
    conditions = await condition.async_get_all_descriptions(hass)
    assert conditions[f"{DOMAIN}.is_protected"]


@pytest.mark.parametrize("identifier", [FRIGATE, CAMERA, NAS])
async def test_uploads_by_device(
    hass: HomeAssistant,
    engine: StandInEngine,
    entry: MockConfigEntry,
    calls: list[ServiceCall],
    identifier: tuple[str, str],
) -> None:
    """Of a Frigate, of a camera, at a destination; and of no other."""
    await automate(hass, "upload_verified", {"device_id": device(hass, identifier)})
    engine.upload()
    engine.upload(verified=False)
    await hass.async_block_till_done()
    assert len(calls) == 1
    engine.upload(camera="gate")
    engine.upload(destination_id=SFTP_ID)
    await hass.async_block_till_done()
    assert len(calls) == {FRIGATE: 3, CAMERA: 2, NAS: 2}[identifier]


async def test_uploads_by_area_and_entity(
    hass: HomeAssistant,
    engine: StandInEngine,
    entry: MockConfigEntry,
    calls: list[ServiceCall],
) -> None:
    """A camera that is put into the area later counts from then on."""
    area = ar.async_get(hass).async_create("Garden")
    await automate(
        hass,
        "upload_verified",
        {"area_id": area.id, "entity_id": "event.off_site_server_upload"},
    )
    engine.upload()
    await hass.async_block_till_done()
    assert not calls
    engine.upload(destination_id=SFTP_ID, camera="gate")
    dr.async_get(hass).async_update_device(device(hass, CAMERA), area_id=area.id)
    await hass.async_block_till_done()
    assert len(calls) == 1
    engine.upload()
    await hass.async_block_till_done()
    assert len(calls) == 2


async def test_what_an_upload_tells(
    hass: HomeAssistant,
    engine: StandInEngine,
    entry: MockConfigEntry,
    calls: list[ServiceCall],
) -> None:
    """All that is known of it, for templates."""
    await automate(
        hass,
        "upload_failed",
        {"device_id": device(hass, NAS)},
        options={"media": ["recording"]},
        data={"upload": "{{ trigger.upload }}", "text": "{{ trigger.description }}"},
    )
    engine.upload(
        verified=False,
        reason="The disk is full",
        cause="dropped",
        size=None,
        labels=("car", "person"),
        severity="alert",
        zones=("porch",),
        start=1795336200.0,
        end=1795336232.4,
        review_id="1795336200.123456-l0g9kw",
        object_ids=("1795336201.5-abc",),
    )
    engine.upload(verified=False, media="snapshot")
    await hass.async_block_till_done()
    (call,) = calls
    data = call.data["upload"]
    assert data == {
        "camera": "front_door",
        "media": "recording",
        "labels": ["car", "person"],
        "severity": "alert",
        "zones": ["porch"],
        "start": "2026-11-22T09:30:00+01:00",
        "end": "2026-11-22T09:30:32.400000+01:00",
        "duration": 32.4,
        "size": None,
        "destination": "Garage NAS",
        "destination_id": LOCAL_ID,
        "path": "2026-11-22/2026-11-22_18-04-31+0100-front_door-recording-person-l0g9kw.mp4",
        "item": "1795336200.123456-l0g9kw",
        "review_id": "1795336200.123456-l0g9kw",
        "object_ids": ["1795336201.5-abc"],
        "reason": "The disk is full",
        "cause": "dropped",
        "config_entry_id": ENTRY_ID,
        "media_content_id": None,
        "url": None,
    }
    assert call.data["text"] == f"upload of {data['path']} failed"


@pytest.mark.parametrize(
    ("media", "item", "file"),
    [
        ("recording", "1795336200.123456-l0g9kw", "1.mp4"),
        ("live_snapshot", "front door/person/0123abcd", "1.jpg"),
    ],
)
async def test_what_has_arrived_can_be_shown(
    hass: HomeAssistant, entry: MockConfigEntry, media: str, item: str, file: str
) -> None:
    """By its media id, and by a URL that needs no login for a day."""
    event = replace(UPLOAD, media=media, item_id=item, file=file)
    data = upload_data(hass, entry, event)
    url = URL(data["url"])
    assert not url.absolute
    assert url.query["authSig"]
    kind, token, name = url.path.split("/")[-3:]
    key = FileKey.parse(kind, token, name)
    assert (key.media.kind, key.source_id, key.name) == (media, item, file)
    assert data["media_content_id"].startswith(f"media-source://{DOMAIN}/{ENTRY_ID}/")
    assert data["media_content_id"].endswith(f"/{token}/{name}")


async def test_none_is_left_out(
    hass: HomeAssistant,
    engine: StandInEngine,
    entry: MockConfigEntry,
    calls: list[ServiceCall],
) -> None:
    """However many come at once, though the event entity leaves some out."""
    await automate(hass, "upload_verified", {"device_id": device(hass, FRIGATE)})
    for number in range(200):
        engine.upload(item_id=str(number))
    await hass.async_block_till_done()
    assert len(calls) == 200


async def test_an_entry_that_is_reloaded(
    hass: HomeAssistant,
    engine: StandInEngine,
    entry: MockConfigEntry,
    calls: list[ServiceCall],
) -> None:
    """The automation need not be."""
    await automate(hass, "upload_verified", {"device_id": device(hass, FRIGATE)})
    await hass.config_entries.async_unload(entry.entry_id)
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    engine.upload()
    await hass.async_block_till_done()
    assert len(calls) == 1


async def test_an_automation_that_is_switched_off(
    hass: HomeAssistant,
    engine: StandInEngine,
    entry: MockConfigEntry,
    calls: list[ServiceCall],
) -> None:
    """It listens no longer, to nothing."""
    await automate(hass, "upload_verified", {"device_id": device(hass, FRIGATE)})
    (automation,) = hass.states.async_entity_ids("automation")
    await hass.services.async_call(
        "automation", "turn_off", {"entity_id": automation}, blocking=True
    )
    engine.upload()
    await hass.async_block_till_done()
    assert not calls


@pytest.mark.parametrize(
    ("target", "options"),
    [
        ({}, {}),
        ({"entity_id": "event.garage_nas_upload"}, {"media": ["film"]}),
    ],
)
async def test_mistakes(
    hass: HomeAssistant,
    engine: StandInEngine,
    entry: MockConfigEntry,
    calls: list[ServiceCall],
    caplog: pytest.LogCaptureFixture,
    target: dict[str, Any],
    options: dict[str, Any],
) -> None:
    """An automation that can't work is refused, not silent."""
    await automate(hass, "upload_verified", target, options=options)
    assert "ERROR" in caplog.text
    engine.upload()
    await hass.async_block_till_done()
    assert not calls


async def test_protection_by_device(
    hass: HomeAssistant,
    engine: StandInEngine,
    entry: MockConfigEntry,
    calls: list[ServiceCall],
) -> None:
    """The device has other enums, which say nothing; reasons are at hand."""
    # As an owner may have it, who wants to see it everywhere.
    er.async_get(hass).async_update_entity(
        "sensor.frigate_last_drill", entity_category=None
    )
    await automate(
        hass,
        "protection_changed",
        {"device_id": device(hass, FRIGATE)},
        data={
            "entity": "{{ trigger.entity_id }}",
            "from": "{{ trigger.from_state.state }}",
            "to": "{{ trigger.to_state.state }}",
            "reasons": "{{ trigger.to_state.attributes.reasons | join(', ') }}",
            "why": "{{ trigger.why }}",
        },
    )
    engine.show(drill=engine.drill)
    await hass.async_block_till_done()
    assert not calls
    engine.show(protection=Protection.AT_RISK, reasons=(Reason.MQTT_AWAY,))
    # The reasons alone are no change.
    engine.show(reasons=(Reason.MQTT_AWAY, Reason.DISK_FULL))
    await hass.async_block_till_done()
    assert [dict(call.data) for call in calls] == [
        {
            "entity": "sensor.frigate_protection",
            "from": "catching_up",
            "to": "at_risk",
            "reasons": "mqtt_away",
            "why": "The MQTT broker is away",
        }
    ]


async def test_at_risk_since_a_start(
    hass: HomeAssistant,
    engine: StandInEngine,
    entry: MockConfigEntry,
    calls: list[ServiceCall],
) -> None:
    """Who asks for that state gets it, though nothing is known of before."""
    target = {"entity_id": "sensor.frigate_protection"}
    risk = {
        "triggers": {
            "trigger": f"{DOMAIN}.protection_changed",
            "target": target,
            "options": {"to": "at_risk"},
        },
        "actions": {"action": "test.automation", "data": {"who": "risk"}},
    }
    change = {
        "triggers": {"trigger": f"{DOMAIN}.protection_changed", "target": target},
        "actions": {"action": "test.automation", "data": {"who": "change"}},
    }
    assert await async_setup_component(
        hass, "automation", {"automation": [risk, change]}
    )
    await hass.async_block_till_done()
    engine.first_status = replace(engine.first_status, protection=Protection.AT_RISK)
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    assert hass.states.is_state("sensor.frigate_protection", "at_risk")
    assert [call.data["who"] for call in calls] == ["risk"]


@pytest.mark.parametrize(
    ("before", "while_starting", "expected"),
    [
        (Protection.AT_RISK, Protection.AT_RISK, ["risk"]),
        (Protection.PROTECTED, Protection.AT_RISK, ["change", "risk"]),
        (Protection.AT_RISK, Protection.PROTECTED, ["change"]),
        (Protection.PROTECTED, Protection.PROTECTED, []),
    ],
)
async def test_at_risk_before_automations_listen(
    hass: HomeAssistant,
    engine: StandInEngine,
    entry: MockConfigEntry,
    calls: list[ServiceCall],
    before: Protection,
    while_starting: Protection,
    expected: list[str],
) -> None:
    """Who asks for that state gets it, once; who asks for changes heard of none."""
    target = {"device_id": device(hass, FRIGATE)}
    automations = [
        {
            "triggers": {
                "trigger": f"{DOMAIN}.protection_changed",
                "target": target,
                "options": options,
            },
            "actions": {
                "action": "test.automation",
                "data": {"who": who, "from": "{{ trigger.from_state.state }}"},
            },
        }
        for who, options in (("risk", {"to": "at_risk"}), ("change", {}))
    ]
    engine.show(protection=before)
    hass.set_state(CoreState.not_running)
    assert await async_setup_component(hass, "automation", {"automation": automations})
    await hass.async_block_till_done()

    async def change() -> None:
        # Automations begin to listen meanwhile.
        for _ in range(50):
            await asyncio.sleep(0)
        assert hass.state is CoreState.starting
        engine.show(protection=while_starting)

    hass.async_add_startup_job(HassJob(change))
    await hass.async_start()
    await hass.async_block_till_done()
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=1))
    await hass.async_block_till_done()
    assert sorted(call.data["who"] for call in calls) == expected
    if expected == ["risk"]:
        assert calls[0].data["from"] == "unknown"


async def test_an_automation_that_is_made_later(
    hass: HomeAssistant,
    engine: StandInEngine,
    entry: MockConfigEntry,
    calls: list[ServiceCall],
) -> None:
    """It hears of what changes from then on, as all automations do."""
    engine.show(protection=Protection.AT_RISK)
    await automate(
        hass,
        "protection_changed",
        {"entity_id": "sensor.frigate_protection"},
        options={"to": "at_risk"},
    )
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=1))
    await hass.async_block_till_done()
    assert not calls


async def test_protection_for_a_time(
    hass: HomeAssistant,
    engine: StandInEngine,
    entry: MockConfigEntry,
    calls: list[ServiceCall],
    freezer: FrozenDateTimeFactory,
) -> None:
    """Between the states that were asked for time passes; others end it."""
    engine.show(protection=Protection.PROTECTED)
    await automate(
        hass,
        "protection_changed",
        {"entity_id": "sensor.frigate_protection"},
        options={"to": ["at_risk", "catching_up"], "for": {"minutes": 10}},
    )

    async def minutes(count: float) -> None:
        freezer.tick(timedelta(minutes=count))
        async_fire_time_changed(hass)
        await hass.async_block_till_done()

    engine.show(protection=Protection.CATCHING_UP)
    await minutes(6)
    engine.show(protection=Protection.PROTECTED)
    await minutes(6)
    assert not calls
    engine.show(protection=Protection.CATCHING_UP)
    await minutes(6)
    engine.show(protection=Protection.AT_RISK)
    await minutes(6)
    assert len(calls) == 1
    await minutes(60)
    assert len(calls) == 1


async def test_is_protected(
    hass: HomeAssistant,
    engine: StandInEngine,
    entry: MockConfigEntry,
    calls: list[ServiceCall],
    freezer: FrozenDateTimeFactory,
) -> None:
    """With Home Assistant's own `for`; every other state is not protected."""
    engine.show(protection=Protection.PROTECTED)
    await automate(
        hass,
        "upload_verified",
        {"device_id": device(hass, FRIGATE)},
        conditions=[
            {
                "condition": f"{DOMAIN}.is_protected",
                "target": {"device_id": device(hass, FRIGATE)},
                "options": {"for": {"minutes": 10}},
            }
        ],
    )

    async def passes() -> bool:
        before = len(calls)
        engine.upload()
        await hass.async_block_till_done()
        return len(calls) > before

    assert not await passes()
    freezer.tick(timedelta(minutes=11))
    assert await passes()
    for state in Protection:
        engine.show(protection=state)
        await hass.async_block_till_done()
        freezer.tick(timedelta(minutes=11))
        assert await passes() is (state is Protection.PROTECTED)


async def test_upload_events_are_told_whole(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """What is added to an event is added to what automations see."""
    data = upload_data(hass, entry, UPLOAD)
    names = {"item_id": "item", "verified": None, "file": None}
    for name in asdict(UPLOAD):
        wanted = names.get(name, name)
        assert wanted is None or wanted in data


@pytest.mark.parametrize("count", [3, 1005])
async def test_uploads_of_a_start(
    hass: HomeAssistant,
    engine: StandInEngine,
    calls: list[ServiceCall],
    count: int,
) -> None:
    """Automations attach only when Home Assistant has started: they are held till then."""
    hass.set_state(CoreState.starting)
    entry = frigate_entry(subentries=[local_subentry("/media/nas"), sftp_subentry()])
    await async_set_up(hass, entry)
    await automate(
        hass,
        "upload_verified",
        {"device_id": device(hass, NAS)},
        data={"path": "{{ trigger.upload.path }}"},
    )
    for number in range(count):
        engine.upload(path=f"{number}.jpg")
    await hass.async_block_till_done()
    assert not calls
    hass.set_state(CoreState.running)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_STARTED)
    await hass.async_block_till_done()
    engine.upload(path="last.jpg")
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=11))
    await hass.async_block_till_done()
    expected = [*(f"{number}.jpg" for number in range(count)), "last.jpg"]
    assert [call.data["path"] for call in calls] == expected[-1000:]
    engine.upload(path="later.jpg")
    await hass.async_block_till_done()
    assert calls[-1].data["path"] == "later.jpg"


async def test_uploads_of_a_start_that_is_stopped(
    hass: HomeAssistant, engine: StandInEngine
) -> None:
    """Nothing stays behind of an entry that is unloaded meanwhile."""
    hass.set_state(CoreState.starting)
    entry = frigate_entry(subentries=[local_subentry("/media/nas")])
    await async_set_up(hass, entry)
    heard: list[object] = []
    async_dispatcher_connect(hass, UPLOAD_ENDED, lambda *args: heard.append(args))
    engine.upload()
    await hass.config_entries.async_unload(entry.entry_id)
    hass.set_state(CoreState.running)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_STARTED)
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=11))
    await hass.async_block_till_done()
    assert not heard
