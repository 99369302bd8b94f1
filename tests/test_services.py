"""The actions: what they ask of the engine, and what they answer."""

from dataclasses import asdict
from datetime import UTC, datetime
import json
from pathlib import Path
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
import voluptuous as vol

from custom_components.frigate_snap_sync.cause import CausedError
from custom_components.frigate_snap_sync.const import DOMAIN, UPLOAD_STATES
from custom_components.frigate_snap_sync.devices import (
    camera_identifier,
    destination_identifier,
)
from custom_components.frigate_snap_sync.frigate.errors import FrigateUnreachable
from custom_components.frigate_snap_sync.services import ACTIONS
from custom_components.frigate_snap_sync.sync.engine import LedgerError, SpoolError
from custom_components.frigate_snap_sync.sync.model.item import UploadState
from custom_components.frigate_snap_sync.sync.model.status import (
    Summary,
    SummaryRow,
    UploadFilter,
    UploadRow,
)
from custom_components.frigate_snap_sync.sync.model.summary import Counts
from custom_components.frigate_snap_sync.words import async_why
from homeassistant.core import HomeAssistant, SupportsResponse
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import device_registry as dr
from homeassistant.setup import async_setup_component
from homeassistant.util.yaml import load_yaml_dict

from .component import (
    ENTRY_ID,
    LOCAL_ID,
    SFTP_ID,
    StandInEngine,
    async_set_up,
    frigate_entry,
    local_subentry,
    sftp_subentry,
)
from .harness.frigate import FrigateServer
from .source import INTEGRATION
from .test_init import async_wait, connect, files, shows

pytestmark = pytest.mark.usefixtures("mqtt_client")

ROW = UploadRow(
    destination_id=LOCAL_ID,
    media="recording",
    camera="front_door",
    item_id="1795336200.123456-l0g9kw",
    label="person",
    state="verified",
    role="whole",
    path="2026-11-22/2026-11-22_18-04-31+0100-front_door-recording-person-l0g9kw.mp4",
    size=8_500_000,
    attempts=1,
    start=datetime(2026, 11, 22, 8, 30, tzinfo=UTC),
    finished=datetime(2026, 11, 22, 8, 31, 5, tzinfo=UTC),
    reason=None,
)


@pytest.fixture
async def entry(hass: HomeAssistant, engine: StandInEngine) -> MockConfigEntry:
    """Set up an entry with two destinations."""
    await hass.config.async_set_time_zone("Europe/Berlin")
    entry = frigate_entry(subentries=[local_subentry("/media/nas"), sftp_subentry()])
    await async_set_up(hass, entry)
    return entry


async def async_call(hass: HomeAssistant, action: str, **data: Any) -> dict[str, Any]:
    """Call an action of the entry, return what it answers."""
    response = await hass.services.async_call(
        DOMAIN,
        action,
        {"config_entry_id": ENTRY_ID, **data},
        blocking=True,
        return_response=True,
    )
    assert response is not None
    return dict(response)


async def test_there_without_an_entry(hass: HomeAssistant) -> None:
    """An automation can be checked before the entry is loaded."""
    assert await async_setup_component(hass, DOMAIN, {})
    assert {
        name: hass.services.supports_response(DOMAIN, name)
        for name in hass.services.async_services_for_domain(DOMAIN)
    } == {
        "catch_up": SupportsResponse.OPTIONAL,
        "retry_failed": SupportsResponse.OPTIONAL,
        "list_uploads": SupportsResponse.ONLY,
        "upload_review": SupportsResponse.OPTIONAL,
        "upload_range": SupportsResponse.OPTIONAL,
        "cancel_uploads": SupportsResponse.OPTIONAL,
        "protect": SupportsResponse.OPTIONAL,
        "unprotect": SupportsResponse.OPTIONAL,
        "apply_retention": SupportsResponse.OPTIONAL,
        "drill": SupportsResponse.OPTIONAL,
        "summary": SupportsResponse.ONLY,
    }


@pytest.mark.parametrize(
    ("action", "schema"), [(action.name, action.schema) for action in ACTIONS]
)
async def test_described_as_it_is(
    hass: HomeAssistant, action: str, schema: vol.Schema
) -> None:
    """The form of an action has its fields, its bounds and its choices."""
    described = await hass.async_add_executor_job(
        load_yaml_dict, str(INTEGRATION / "services.yaml")
    )
    fields = described[action]["fields"]
    assert list(fields) == [str(marker) for marker in schema.schema]
    required = {
        name: field.get("example", ENTRY_ID)
        for name, field in fields.items()
        if field.get("required")
    }
    for marker in schema.schema:
        field = fields[str(marker)]
        assert field.get("required", False) is isinstance(marker, vol.Required)
        values = [field["example"]] if "example" in field else []
        if number := field["selector"].get("number"):
            values += [number["min"], number["max"]]
            for value in (number["min"] - 1, number["max"] + 1):
                with pytest.raises(vol.Invalid):
                    schema({**required, str(marker): value})
        if select := field["selector"].get("select"):
            values += select["options"]
            with pytest.raises(vol.Invalid):
                schema({**required, str(marker): "nothing"})
        for value in values:
            schema({**required, str(marker): value})
    assert set(UPLOAD_STATES) == set(UploadState)


async def test_catch_up(
    hass: HomeAssistant, engine: StandInEngine, entry: MockConfigEntry
) -> None:
    """Hours become seconds; the answer may be left out."""
    assert await async_call(hass, "catch_up") == {"items": 3}
    assert engine.calls[-1] == ("catch_up", None)
    assert await async_call(hass, "catch_up", look_back="2") == {"items": 3}
    assert engine.calls[-1] == ("catch_up", 7200)
    await hass.services.async_call(
        DOMAIN, "catch_up", {"config_entry_id": ENTRY_ID}, blocking=True
    )
    assert engine.calls.count(("catch_up", None)) == 2


async def test_retry_failed(
    hass: HomeAssistant, engine: StandInEngine, entry: MockConfigEntry
) -> None:
    """The answer is how many are tried anew."""
    assert await async_call(hass, "retry_failed") == {"uploads": 2}
    assert engine.calls[-1] == ("retry_failed",)


async def test_list_uploads(
    hass: HomeAssistant, engine: StandInEngine, entry: MockConfigEntry
) -> None:
    """Rows that any automation can read, in local time."""
    pending = {
        "destination_id": "01JREMOVED",
        "state": "pending",
        "role": "part",
        "size": None,
        "finished": None,
        "reason": "The server does not answer",
    }
    engine.rows = [ROW, UploadRow(**{**row_values(), **pending})]
    answer = await async_call(hass, "list_uploads")
    assert engine.calls[-1] == ("list_uploads", UploadFilter(limit=100))
    told = {
        "item": "1795336200.123456-l0g9kw",
        "media": "recording",
        "camera": "front_door",
        "label": "person",
        "destination": "Garage NAS",
        "destination_id": LOCAL_ID,
        "state": "verified",
        "role": "whole",
        "path": "2026-11-22/2026-11-22_18-04-31+0100-front_door-recording-person-l0g9kw.mp4",
        "size": 8_500_000,
        "attempts": 1,
        "start": "2026-11-22T09:30:00+01:00",
        "finished": "2026-11-22T09:31:05+01:00",
        "reason": None,
    }
    assert answer == {"uploads": [told, {**told, **pending, "destination": None}]}
    assert json.loads(json.dumps(answer)) == answer


def row_values() -> dict[str, Any]:
    """Return the row's values by name."""
    return {name: getattr(ROW, name) for name in ROW.__slots__}


@pytest.mark.parametrize("media", ["recording", "recordings"])
@pytest.mark.parametrize("destination", [SFTP_ID, "Off-site server"])
async def test_list_uploads_filters(
    hass: HomeAssistant,
    engine: StandInEngine,
    entry: MockConfigEntry,
    destination: str,
    media: str,
) -> None:
    """A destination by id or name, times in local time unless they say otherwise."""
    answer = await async_call(
        hass,
        "list_uploads",
        camera="front_door",
        destination=destination,
        media=media,
        state="gone",
        after="2026-11-22 06:00:00",
        before="2026-11-22T12:00:00+00:00",
        limit=20,
    )
    assert answer == {"uploads": []}
    assert engine.calls[-1] == (
        "list_uploads",
        UploadFilter(
            camera="front_door",
            destination_id=SFTP_ID,
            media="recordings",
            state="gone",
            after=datetime(2026, 11, 22, 5, tzinfo=UTC),
            before=datetime(2026, 11, 22, 12, tzinfo=UTC),
            limit=20,
        ),
    )


@pytest.mark.parametrize(
    ("data", "error"),
    [
        ({"destination": "Attic"}, "destination_not_found"),
        (
            {"after": "2026-11-22 06:00:00", "before": "2026-11-22 06:00:00"},
            "after_not_before",
        ),
        ({"config_entry_id": "nowhere"}, "service_config_entry_not_found"),
    ],
)
async def test_bad_input(
    hass: HomeAssistant,
    engine: StandInEngine,
    entry: MockConfigEntry,
    data: dict[str, Any],
    error: str,
) -> None:
    """What can't be meant is refused, and nothing is done."""
    said = len(engine.calls)
    with pytest.raises(ServiceValidationError) as caught:
        await async_call(hass, "list_uploads", **data)
    assert caught.value.translation_key == error
    assert len(engine.calls) == said


async def test_summary(
    hass: HomeAssistant, engine: StandInEngine, entry: MockConfigEntry
) -> None:
    """Sums of each sort, and rows of all of them."""
    counts = Counts(copies=2, bytes=14, parts=1, part_bytes=3, failed=1)
    engine.summary = Summary(
        rows=[
            SummaryRow(
                day="2026-11-22",
                camera="front_door",
                media="recording",
                labels=("car", "person"),
                destination_id=LOCAL_ID,
                counts=counts,
            ),
            SummaryRow(
                day="2026-11-23",
                camera="gate",
                media="snapshot",
                labels=("person",),
                destination_id=SFTP_ID,
                counts=Counts(copies=1, bytes=1),
            ),
        ]
    )
    answer = await async_call(
        hass,
        "summary",
        start="2026-11-22 00:00:00",
        end="2026-11-24 00:00:00",
        camera="gate",
        destination="Garage NAS",
    )
    assert engine.calls[-1] == (
        "summary",
        datetime(2026, 11, 21, 23, tzinfo=UTC),
        datetime(2026, 11, 23, 23, tzinfo=UTC),
        {"camera": "gate", "destination_id": LOCAL_ID},
    )
    first = {"copies": 2, "bytes": 14, "parts": 1, "part_bytes": 3, "failed": 1}
    second = {"copies": 1, "bytes": 1, "parts": 0, "part_bytes": 0, "failed": 0}
    total = {key: first[key] + second[key] for key in first}
    assert answer == {
        "start": "2026-11-22T00:00:00+01:00",
        "end": "2026-11-24T00:00:00+01:00",
        "total": total,
        "days": [{"day": "2026-11-22", **first}, {"day": "2026-11-23", **second}],
        "cameras": [{"camera": "front_door", **first}, {"camera": "gate", **second}],
        "media": [{"media": "recording", **first}, {"media": "snapshot", **second}],
        "labels": [{"label": "car", **first}, {"label": "person", **total}],
        "destinations": [
            {"destination": "Garage NAS", "destination_id": LOCAL_ID, **first},
            {"destination": "Off-site server", "destination_id": SFTP_ID, **second},
        ],
        "rows": [
            {
                "day": "2026-11-22",
                "camera": "front_door",
                "media": "recording",
                "label": "car, person",
                "destination": "Garage NAS",
                "destination_id": LOCAL_ID,
                **first,
            },
            {
                "day": "2026-11-23",
                "camera": "gate",
                "media": "snapshot",
                "label": "person",
                "destination": "Off-site server",
                "destination_id": SFTP_ID,
                **second,
            },
        ],
        "rows_left_off": 0,
    }
    assert json.loads(json.dumps(answer)) == answer


async def test_a_summary_of_the_last_day(
    hass: HomeAssistant,
    engine: StandInEngine,
    entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    """That is what is meant if nothing is said; many rows are cut, sums are not."""
    freezer.move_to("2026-11-22 12:00:00+00:00")
    row = SummaryRow(
        day="2026-11-22",
        camera="gate",
        media="snapshot",
        labels=(),
        destination_id=LOCAL_ID,
        counts=Counts(copies=1),
    )
    engine.summary = Summary(rows=[row] * 1003)
    answer = await async_call(hass, "summary")
    assert engine.calls[-1][1:3] == (
        datetime(2026, 11, 21, 12, tzinfo=UTC),
        datetime(2026, 11, 22, 12, tzinfo=UTC),
    )
    assert (len(answer["rows"]), answer["rows_left_off"]) == (1000, 3)
    assert answer["total"]["copies"] == 1003
    assert answer["labels"] == []


@pytest.mark.parametrize(
    ("start", "end", "error"),
    [
        ("2026-11-22", "2026-11-22", "end_not_after_start"),
        ("2024-11-22", "2026-11-22", "summary_too_long"),
    ],
)
async def test_a_summary_of_no_time(
    hass: HomeAssistant,
    engine: StandInEngine,
    entry: MockConfigEntry,
    start: str,
    end: str,
    error: str,
) -> None:
    """Nothing is added up."""
    with pytest.raises(ServiceValidationError) as caught:
        await async_call(
            hass, "summary", start=f"{start} 00:00:00", end=f"{end} 00:00:00"
        )
    assert caught.value.translation_key == error
    assert not [call for call in engine.calls if call[0] == "summary"]


@pytest.mark.parametrize(
    ("action", "said"), [("list_uploads", "list_uploads"), ("summary", "summary")]
)
async def test_chosen_by_device(
    hass: HomeAssistant,
    engine: StandInEngine,
    entry: MockConfigEntry,
    action: str,
    said: str,
) -> None:
    """As the form of the action offers them."""
    registry = dr.async_get(hass)
    camera = registry.async_get_device_by_identifier(
        camera_identifier(ENTRY_ID, "front_door"), ENTRY_ID
    )
    place = registry.async_get_device_by_identifier(
        destination_identifier(SFTP_ID), ENTRY_ID
    )
    assert camera is not None
    assert place is not None
    await async_call(hass, action, camera=camera.id, destination=place.id)
    call = engine.calls[-1]
    assert call[0] == said
    chosen = call[-1] if isinstance(call[-1], dict) else asdict(call[-1])
    assert (chosen["camera"], chosen["destination_id"]) == ("front_door", SFTP_ID)


@pytest.mark.parametrize("action", ["list_uploads", "summary"])
async def test_devices_that_are_no_cameras(
    hass: HomeAssistant, engine: StandInEngine, entry: MockConfigEntry, action: str
) -> None:
    """Those of another Frigate, of a destination, or that there are no more.

    No camera is called so: an answer without uploads would say that there were none.
    """
    registry = dr.async_get(hass)
    other = MockConfigEntry(domain=DOMAIN, title="Barn")
    other.add_to_hass(hass)
    camera = registry.async_get_or_create(
        config_entry_id=other.entry_id,
        identifiers={camera_identifier(other.entry_id, "front_door")},
    )
    place = registry.async_get_device_by_identifier(
        destination_identifier(SFTP_ID), ENTRY_ID
    )
    assert place is not None
    for device_id in (camera.id, place.id, "0123456789abcdef" * 2):
        with pytest.raises(ServiceValidationError) as caught:
            await async_call(hass, action, camera=device_id)
        assert caught.value.translation_key == "camera_not_found"
    assert not [call for call in engine.calls if call[0] == action]


async def test_two_destinations_of_one_name(
    hass: HomeAssistant, engine: StandInEngine, entry: MockConfigEntry
) -> None:
    """A name that two have says nothing."""
    hass.config_entries.async_update_subentry(
        entry, entry.subentries[SFTP_ID], title="Garage NAS"
    )
    with pytest.raises(ServiceValidationError) as caught:
        await async_call(hass, "list_uploads", destination="Garage NAS")
    assert caught.value.translation_placeholders == {"destination": "Garage NAS"}


@pytest.mark.parametrize("action", ["catch_up", "retry_failed", "list_uploads"])
async def test_entry_not_loaded(
    hass: HomeAssistant, entry: MockConfigEntry, action: str
) -> None:
    """An entry that does not run is said to be so."""
    assert await hass.config_entries.async_unload(entry.entry_id)
    with pytest.raises(ServiceValidationError) as caught:
        await async_call(hass, action)
    assert caught.value.translation_key == "service_config_entry_not_loaded"


@pytest.mark.parametrize(
    ("action", "failure", "error"),
    [
        ("catch_up", FrigateUnreachable("raw", said="no route"), "catch_up_failed"),
        ("catch_up", LedgerError("raw", said="locked"), "ledger_not_usable"),
        ("catch_up", SpoolError("raw", said="no space"), "ledger_not_usable"),
        ("retry_failed", LedgerError("raw", said="locked"), "ledger_not_usable"),
        ("list_uploads", LedgerError("raw", said="locked"), "ledger_not_usable"),
    ],
)
async def test_failure(
    hass: HomeAssistant,
    engine: StandInEngine,
    entry: MockConfigEntry,
    action: str,
    failure: CausedError,
    error: str,
) -> None:
    """What fails is shown with its reason."""
    engine.failure = failure
    with pytest.raises(HomeAssistantError) as caught:
        await async_call(hass, action)
    assert not isinstance(caught.value, ServiceValidationError)
    assert caught.value.translation_key == error
    why = async_why(hass, failure)
    assert caught.value.translation_placeholders == {"error": why}
    assert f'"{failure.said}"' in why


async def test_with_the_real_engine(
    hass: HomeAssistant, frigate_server: FrigateServer, folders: Path
) -> None:
    """What was uploaded is listed; a catch-up finds it all known."""
    nas = folders / "media" / "nas"
    entry = frigate_entry(frigate_server.url, subentries=[local_subentry(nas)])
    await async_set_up(hass, entry)
    frigate = frigate_server.frigate
    connect(hass, frigate)
    await async_wait(
        shows(hass, "binary_sensor.front_door_snapshots_enabled", "on"),
        "the cameras of Frigate's configuration",
    )
    visitor = frigate.begin_object("front_door")
    frigate.confirm_object(visitor)
    frigate.end_object(visitor)
    for key in ("live_snapshots_uploaded", "snapshots_uploaded"):
        await async_wait(shows(hass, f"sensor.garage_nas_{key}", "1"), key)
    rows = (await async_call(hass, "list_uploads", state="verified"))["uploads"]
    assert {row["path"] for row in rows} == {
        str(path.relative_to(nas)) for path in files(nas)
    }
    assert {row["destination"] for row in rows} == {"Garage NAS"}
    for media in ("snapshot", "live_snapshot"):
        (row,) = (await async_call(hass, "list_uploads", media=media))["uploads"]
        assert (row["media"], row["role"]) == (media, "whole")
        assert row["size"] == (nas / row["path"]).stat().st_size
    assert (await async_call(hass, "list_uploads", limit=1))["uploads"] == rows[:1]
    assert (await async_call(hass, "list_uploads", camera="gate"))["uploads"] == []

    assert await async_call(hass, "catch_up", look_back=1) == {"items": 0}
    assert await async_call(hass, "retry_failed") == {"uploads": 0}
    event = hass.states.get("event.garage_nas_upload")
    assert event is not None
    assert event.attributes["event_type"] == "uploaded"
    assert event.attributes["path"] in {row["path"] for row in rows}
