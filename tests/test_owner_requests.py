"""The actions for what the owner chooses: a review, a time, what to cancel."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.frigate_snap_sync.const import DOMAIN
from custom_components.frigate_snap_sync.devices import (
    camera_identifier,
    destination_identifier,
)
from custom_components.frigate_snap_sync.frigate.errors import FrigateUnreachable
from custom_components.frigate_snap_sync.sync.engine import LedgerError
from custom_components.frigate_snap_sync.sync.model.errors import Refusal, Refused
from custom_components.frigate_snap_sync.sync.model.status import (
    CancelFilter,
    ProtectFilter,
)
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import device_registry as dr
from homeassistant.util import dt as dt_util

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
from .test_init import async_wait, connect, files, shows
from .test_services import async_call

pytestmark = pytest.mark.usefixtures("mqtt_client")

RANGE = {"camera": "front_door", "start": "2026-11-22 06:00:00"}


@pytest.fixture
async def entry(hass: HomeAssistant, engine: StandInEngine) -> MockConfigEntry:
    """Set up an entry with two destinations."""
    await hass.config.async_set_time_zone("Europe/Berlin")
    entry = frigate_entry(subentries=[local_subentry("/media/nas"), sftp_subentry()])
    await async_set_up(hass, entry)
    return entry


def device_id(hass: HomeAssistant, identifier: tuple[str, str]) -> str:
    """Return the id of a device."""
    device = dr.async_get(hass).async_get_device_by_identifier(identifier, ENTRY_ID)
    assert device is not None
    return device.id


async def test_upload_review(
    hass: HomeAssistant, engine: StandInEngine, entry: MockConfigEntry
) -> None:
    """To one destination, or all; the answer tells how much it is."""
    answer = await async_call(hass, "upload_review", review_id="1.5-abc")
    assert answer == {
        "item": "1.5-abc",
        "items": 1,
        "files": 2,
        "seconds": 150,
        "bytes": 7_500_000,
        "destinations": ["Garage NAS", "Off-site server"],
    }
    assert engine.calls[-1] == ("upload_review", "1.5-abc", None)


@pytest.mark.parametrize("by", ["device", "name", "id"])
async def test_upload_range(
    hass: HomeAssistant, engine: StandInEngine, entry: MockConfigEntry, by: str
) -> None:
    """Camera and destination by device or by name; times are local ones."""
    camera, destination = {
        "device": (
            device_id(hass, camera_identifier(ENTRY_ID, "front_door")),
            device_id(hass, destination_identifier(SFTP_ID)),
        ),
        "name": ("front_door", "Off-site server"),
        "id": ("front_door", SFTP_ID),
    }[by]
    answer = await async_call(
        hass,
        "upload_range",
        camera=camera,
        start="2026-11-22 06:00:00",
        end="2026-11-22T06:00:00+00:00",
        destination=destination,
    )
    assert (answer["items"], answer["files"], answer["bytes"]) == (0, 0, 0)
    assert answer["destinations"] == ["Off-site server"]
    start = datetime(2026, 11, 22, 5, tzinfo=UTC)
    assert engine.calls[-1] == (
        "upload_range",
        "front_door",
        start.timestamp(),
        (start + timedelta(hours=1)).timestamp(),
        SFTP_ID,
    )


@pytest.mark.parametrize(("action", "kept"), [("protect", True), ("unprotect", False)])
async def test_protect(
    hass: HomeAssistant,
    engine: StandInEngine,
    entry: MockConfigEntry,
    action: str,
    kept: bool,
) -> None:
    """One item, or a camera's of some time; the answer is how many."""
    assert await async_call(hass, action, item="1.5-abc") == {"items": 3}
    assert engine.calls[-1] == ("protect", ProtectFilter(item_id="1.5-abc"), kept)
    await async_call(hass, action, **RANGE, end="2026-11-22 07:00:00")
    start = datetime(2026, 11, 22, 5, tzinfo=UTC).timestamp()
    wanted = ProtectFilter(camera="front_door", start=start, end=start + 3600)
    assert engine.calls[-1] == ("protect", wanted, kept)


async def test_apply_retention(
    hass: HomeAssistant, engine: StandInEngine, entry: MockConfigEntry
) -> None:
    """Nothing is deleted unless that is said; the answer tells what it is."""
    assert await async_call(hass, "apply_retention") == {
        "dry_run": True,
        "destinations": [
            {
                "destination": "Garage NAS",
                "destination_id": LOCAL_ID,
                "count": 1,
                "bytes": 7,
                "rows": [
                    {
                        "path": "a/b.mp4",
                        "size": 7,
                        "start": "2026-11-22T09:00:00+01:00",
                    }
                ],
            }
        ],
    }
    assert engine.calls[-1] == ("expired", None, False)
    answer = await async_call(
        hass, "apply_retention", destination="Garage NAS", dry_run=False
    )
    assert answer["dry_run"] is False
    assert engine.calls[-1] == ("expired", LOCAL_ID, True)


@pytest.mark.parametrize(
    ("action", "data", "error"),
    [
        ("upload_review", {"review_id": "1", "destination": "Attic"}, "destination"),
        ("upload_range", {"camera": "attic"}, "camera_not_found"),
        ("upload_range", {"camera": "", "end": "2026-11-22 06:10"}, "camera_not_found"),
        ("upload_range", {"destination": "Attic"}, "destination_not_found"),
        ("upload_range", {"end": "2026-11-22 06:00:00"}, "end_not_after_start"),
        ("upload_range", {"end": "2026-11-22 05:00:00"}, "end_not_after_start"),
        ("upload_range", {"end": "2026-11-23 06:00:01"}, "range_too_long"),
        ("cancel_uploads", {}, "nothing_chosen"),
        ("protect", {}, "item_or_range"),
        ("protect", {"item": "1", "camera": "front_door"}, "item_or_range"),
        ("unprotect", {"camera": "front_door", "start": "2026-11-22"}, "item_or_range"),
        ("protect", {**RANGE, "end": "2026-11-22 06:00:00"}, "end_not_after_start"),
        ("protect", {**RANGE, "end": "2999-11-22 06:00:00"}, "range_in_future"),
        (
            "protect",
            {**RANGE, "camera": "attic", "end": "2026-11-22 07:00:00"},
            "camera_not_found",
        ),
        ("apply_retention", {"destination": "Attic"}, "destination_not_found"),
        ("cancel_uploads", {"destination": "Attic"}, "destination_not_found"),
    ],
)
async def test_bad_input(
    hass: HomeAssistant,
    engine: StandInEngine,
    entry: MockConfigEntry,
    action: str,
    data: dict[str, Any],
    error: str,
) -> None:
    """What can't be meant is refused with its reason, and nothing is done."""
    if action == "upload_range":
        data = {**RANGE, "end": "2026-11-22 07:00:00", **data}
    calls = len(engine.calls)
    with pytest.raises(ServiceValidationError) as caught:
        await async_call(hass, action, **data)
    assert str(caught.value.translation_key).startswith(error)
    assert len(engine.calls) == calls


async def test_a_device_of_something_else(
    hass: HomeAssistant, engine: StandInEngine, entry: MockConfigEntry
) -> None:
    """The Frigate's own device is no camera and no destination."""
    own = device_id(hass, (DOMAIN, ENTRY_ID))
    for data in ({"camera": own}, {"destination": own}):
        with pytest.raises(ServiceValidationError):
            await async_call(
                hass, "upload_range", **{**RANGE, "end": "2026-11-22 07:00", **data}
            )


async def test_the_future(
    hass: HomeAssistant, engine: StandInEngine, entry: MockConfigEntry
) -> None:
    """There is no footage of it."""
    now = dt_util.utcnow()
    with pytest.raises(ServiceValidationError) as caught:
        await async_call(
            hass,
            "upload_range",
            camera="front_door",
            start=(now - timedelta(hours=1)).isoformat(),
            end=(now + timedelta(minutes=1)).isoformat(),
        )
    assert caught.value.translation_key == "range_in_future"


@pytest.mark.parametrize("code", Refusal)
async def test_what_the_engine_refuses(
    hass: HomeAssistant, engine: StandInEngine, entry: MockConfigEntry, code: Refusal
) -> None:
    """Each refusal has its text."""
    engine.failure = Refused(code, "1.5-abc")
    with pytest.raises(ServiceValidationError) as caught:
        await async_call(hass, "upload_review", review_id="1.5-abc")
    assert caught.value.translation_key == code
    text = str(caught.value)
    assert code not in text
    assert "{" not in text


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        (FrigateUnreachable("no route"), "footage_not_asked"),
        (LedgerError("locked"), "ledger_not_usable"),
    ],
)
async def test_failure(
    hass: HomeAssistant,
    engine: StandInEngine,
    entry: MockConfigEntry,
    failure: Exception,
    error: str,
) -> None:
    """What fails is shown with its reason."""
    engine.failure = failure
    for action, data in (
        ("upload_review", {"review_id": "1"}),
        ("upload_range", {**RANGE, "end": "2026-11-22 07:00:00"}),
        ("cancel_uploads", {"state": "pending"}),
    ):
        with pytest.raises(HomeAssistantError) as caught:
            await async_call(hass, action, **data)
        assert caught.value.translation_key == error


async def test_cancel(
    hass: HomeAssistant, engine: StandInEngine, entry: MockConfigEntry
) -> None:
    """By item, destination and state."""
    answer = await async_call(
        hass,
        "cancel_uploads",
        item="1.5-abc",
        destination="Garage NAS",
        state="pending",
    )
    assert answer == {"uploads": 4}
    assert engine.calls[-1] == (
        "cancel",
        CancelFilter(item_id="1.5-abc", destination_id=LOCAL_ID, state="pending"),
    )


async def test_with_the_real_engine(
    hass: HomeAssistant, frigate_server: FrigateServer, folders: Path
) -> None:
    """Footage that no review is about arrives, with an estimate of its size before."""
    nas = folders / "media" / "nas"
    entry = frigate_entry(frigate_server.url, subentries=[local_subentry(nas)])
    await async_set_up(hass, entry)
    connect(hass, frigate_server.frigate)
    await async_wait(
        shows(hass, "binary_sensor.front_door_recordings_enabled", "on"),
        "the cameras of Frigate's configuration",
    )
    end = dt_util.utcnow() - timedelta(minutes=10)
    answer = await async_call(
        hass,
        "upload_range",
        camera=device_id(hass, camera_identifier(ENTRY_ID, "front_door")),
        start=(end - timedelta(seconds=20)).isoformat(),
        end=end.isoformat(),
    )
    assert (answer["items"], answer["files"]) == (1, 1)
    assert answer["bytes"] > 0
    await async_wait(lambda: bool(files(nas)), "the footage")
    (row,) = (await async_call(hass, "list_uploads", item=answer["item"]))["uploads"]
    assert row["label"] == "range"
