"""The blueprints and the automations of the manual, as a real Home Assistant runs them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
import re
import shutil
from typing import Any
from unittest.mock import patch
from urllib.parse import parse_qs, urlsplit

from freezegun.api import FrozenDateTimeFactory
import probatio as vol
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    MockModule,
    async_fire_time_changed,
    async_mock_service,
    mock_integration,
    mock_platform,
)

from custom_components.frigate_snap_sync.devices import (
    destination_identifier,
    frigate_identifier,
)
from custom_components.frigate_snap_sync.sync.model.errors import Refusal, Refused
from custom_components.frigate_snap_sync.sync.model.status import (
    Protection,
    Reason,
    Summary,
    SummaryRow,
)
from custom_components.frigate_snap_sync.sync.model.summary import Counts
from homeassistant.core import CoreState, HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import config_validation as cv, device_registry as dr
from homeassistant.helpers.template import render_complex
from homeassistant.setup import async_setup_component
from homeassistant.util.yaml import load_yaml_dict, parse_yaml

from .component import (
    ENTRY_ID,
    FAILED_DRILL,
    LOCAL_ID,
    SFTP_ID,
    StandInEngine,
    async_set_up,
    frigate_entry,
    local_subentry,
    sftp_subentry,
)
from .source import ROOT

BLUEPRINTS = ROOT / "blueprints" / "automation" / "frigate_snap_sync"
NAMES = sorted(path.stem for path in BLUEPRINTS.glob("*.yaml"))
DOCS = ROOT / "docs" / "automations.md"

CAPTURE = "switch.frigate_capture"

type Automate = Callable[..., Awaitable[None]]


@pytest.fixture
async def entry(
    hass: HomeAssistant,
    mqtt_client: object,
    engine: StandInEngine,
    folders: Path,
    freezer: FrozenDateTimeFactory,
) -> MockConfigEntry:
    """Set up an entry with two destinations, on a Sunday morning."""
    freezer.move_to("2026-11-22 09:00:00+00:00")
    await hass.config.async_set_time_zone("UTC")
    entry = frigate_entry(subentries=[local_subentry("/media/nas"), sftp_subentry()])
    await async_set_up(hass, entry)
    return entry


class App:
    """Takes the place of the app's integration, which needs libraries for speech.

    It checks and renders a notification as that does, and keeps what it would send.
    """

    ACTION_SCHEMA = cv.DEVICE_ACTION_BASE_SCHEMA.extend(
        {
            vol.Required("type"): "notify",
            vol.Required("message"): cv.template,
            vol.Optional("title"): cv.template,
            vol.Optional("data"): cv.template_complex,
        }
    )

    def __init__(self) -> None:
        """Begin with no notification."""
        self.device_id = ""
        self.sent: list[dict[str, Any]] = []
        self.is_reached = True

    async def async_call_action_from_config(
        self,
        hass: HomeAssistant,
        config: dict[str, Any],
        variables: Any,
        context: object,
    ) -> None:
        """Send a notification."""
        assert config["device_id"] == self.device_id
        if not self.is_reached:
            raise HomeAssistantError("Device not connected to local push notifications")
        self.sent.append(
            {
                key: render_complex(config[key], variables)
                for key in ("title", "message", "data")
                if key in config
            }
        )


@pytest.fixture
async def phone(hass: HomeAssistant) -> App:
    """Return a phone with Home Assistant's app."""
    phone = App()
    mock_integration(hass, MockModule("mobile_app"))
    mock_platform(hass, "mobile_app.device_action", phone)
    entry = MockConfigEntry(domain="mobile_app")
    entry.add_to_hass(hass)
    device = dr.async_get(hass).async_get_or_create(
        config_entry_id=entry.entry_id, identifiers={("mobile_app", "phone-1")}
    )
    phone.device_id = device.id
    return phone


@pytest.fixture
async def automate(
    hass: HomeAssistant, folders: Path, phone: App
) -> AsyncIterator[Automate]:
    """Return what makes an automation of a blueprint, as its owner would.

    Or changes it.
    """
    target = Path(hass.config.path("blueprints", "automation", "frigate_snap_sync"))
    shutil.copytree(BLUEPRINTS, target)

    config: dict[str, Any] = {}

    async def make(name: str, **inputs: Any) -> None:
        automation = {
            "id": name,
            "alias": name,
            "use_blueprint": {
                "path": f"frigate_snap_sync/{name}.yaml",
                "input": {"phone": phone.device_id, **inputs},
            },
        }
        config["automation"] = [automation]
        if "automation" in hass.config.components:
            await hass.services.async_call("automation", "reload", blocking=True)
        assert await async_setup_component(hass, "automation", config)
        await settle()
        state = hass.states.get(f"automation.{name}")
        assert state is not None
        assert state.state == "on"

    with patch("homeassistant.config.load_yaml_config_file", return_value=config):
        yield make
    # What they wait for would outlive the test.
    await hass.services.async_call(
        "automation", "turn_off", {"entity_id": "all"}, blocking=True
    )


def device(hass: HomeAssistant, identifier: tuple[str, str]) -> str:
    """Return the id of a device."""
    found = dr.async_get(hass).async_get_device_by_identifier(identifier, ENTRY_ID)
    assert found is not None
    return found.id


async def settle() -> None:
    """Let automations run as far as they do now.

    To block until all is done would be to wait for those that wait for something.
    """
    for _ in range(100):
        await asyncio.sleep(0)


async def passes(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, **time: float
) -> None:
    """Let some time pass."""
    freezer.tick(timedelta(**time))
    async_fire_time_changed(hass)
    await settle()


@pytest.mark.parametrize("name", NAMES)
def test_can_be_imported(name: str) -> None:
    """From where it says, by a button in the manual that leads there."""
    blueprint = load_yaml_dict(str(BLUEPRINTS / f"{name}.yaml"))["blueprint"]
    source = blueprint["source_url"]
    path = (BLUEPRINTS / f"{name}.yaml").relative_to(ROOT)
    assert source.endswith(f"/blob/main/{path}")
    links = [
        link
        for link in DOCS.read_text().replace(")", "\n").split("\n")
        if "my.home-assistant.io/redirect/blueprint_import" in link
    ]
    urls = [
        parse_qs(urlsplit(link[link.index("https://my.home") :]).query)["blueprint_url"]
        for link in links
    ]
    assert urls.count([source]) == 1
    assert len(urls) == len(NAMES)


async def test_not_protected(
    hass: HomeAssistant,
    engine: StandInEngine,
    entry: MockConfigEntry,
    automate: Automate,
    phone: App,
    freezer: FrozenDateTimeFactory,
) -> None:
    """After ten minutes, with the reasons; then that it is over, in its place."""
    engine.show(protection=Protection.PROTECTED, reasons=())
    frigate = device(hass, frigate_identifier(ENTRY_ID))
    await automate("not_protected", frigate=frigate)
    engine.show(
        protection=Protection.AT_RISK,
        reasons=(Reason.DESTINATION_FAILING, Reason.ITEM_LATE),
    )
    await passes(hass, freezer, minutes=9)
    assert not phone.sent
    await passes(hass, freezer, minutes=2)
    tag = {"tag": f"frigate-snap-sync-{frigate}"}
    first = {
        "title": "Frigate is not protected",
        "message": "A destination is failing, Something is late",
        "data": {**tag, "url": "/config/repairs", "clickAction": "/config/repairs"},
    }
    assert phone.sent == [first]
    engine.show(protection=Protection.PROTECTED, reasons=())
    await settle()
    again = {
        "title": "Frigate is protected again",
        "message": "Since 09:11",
        "data": tag,
    }
    assert phone.sent == [first, again]


async def test_not_protected_since_before_a_restart(
    hass: HomeAssistant,
    engine: StandInEngine,
    entry: MockConfigEntry,
    automate: Automate,
    phone: App,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Automations heard no change; the ten minutes begin with the start."""
    engine.show(protection=Protection.AT_RISK, reasons=(Reason.DISK_FULL,))
    await restart(hass, automate)
    await passes(hass, freezer, minutes=9)
    # What is wrong by now counts.
    engine.show(reasons=(Reason.DISK_FULL, Reason.MQTT_AWAY))
    await settle()
    assert not phone.sent
    await passes(hass, freezer, minutes=2)
    (sent,) = phone.sent
    assert sent["message"] == "Home Assistant's disk is full, The MQTT broker is away"
    await passes(hass, freezer, minutes=60)
    engine.show(protection=Protection.PROTECTED, reasons=())
    await settle()
    assert [each.get("title") for each in phone.sent] == [
        "Frigate is not protected",
        "Frigate is protected again",
    ]


@pytest.mark.parametrize(
    "at_the_start", [Protection.PROTECTED, Protection.CATCHING_UP, Protection.AT_RISK]
)
async def test_protected_again_since_a_restart(
    hass: HomeAssistant,
    engine: StandInEngine,
    entry: MockConfigEntry,
    automate: Automate,
    phone: App,
    freezer: FrozenDateTimeFactory,
    at_the_start: Protection,
) -> None:
    """The notification from before disappears, and none comes."""
    engine.show(protection=at_the_start, reasons=())
    await restart(hass, automate)
    assert bool(phone.sent) is (at_the_start is Protection.PROTECTED)
    await passes(hass, freezer, minutes=5)
    engine.show(protection=Protection.PROTECTED, reasons=())
    await settle()
    await passes(hass, freezer, minutes=60)
    frigate = device(hass, frigate_identifier(ENTRY_ID))
    assert phone.sent == [
        {
            "message": "clear_notification",
            "data": {"tag": f"frigate-snap-sync-{frigate}"},
        }
    ]


async def restart(hass: HomeAssistant, automate: Automate) -> None:
    """Let Home Assistant start with what is there, and the automation with it."""
    hass.set_state(CoreState.not_running)
    await automate("not_protected", frigate=device(hass, frigate_identifier(ENTRY_ID)))
    await hass.async_start()
    await settle()


async def test_picture_then_clip(
    hass: HomeAssistant,
    engine: StandInEngine,
    entry: MockConfigEntry,
    automate: Automate,
    phone: App,
) -> None:
    """What has arrived at one destination; the clip takes the picture's place."""
    await automate(
        "picture_then_clip",
        place={"device_id": device(hass, destination_identifier(LOCAL_ID))},
    )
    visit = {
        "labels": ("person",),
        "severity": "alert",
        "start": 1795336200.0,
        "end": 1795336232.4,
        "review_id": "1795336200.123456-l0g9kw",
    }
    engine.upload(destination_id=SFTP_ID, media="snapshot", file="1.jpg", **visit)
    engine.upload(media="live_snapshot", file="1.jpg", **visit)
    engine.upload(media="snapshot", file="1.jpg", **{**visit, "severity": "detection"})
    engine.upload(media="snapshot", item_id="1.5-abc", file="1.jpg", **visit)
    engine.upload(media="recording", file="1.mp4", **visit)
    await settle()
    picture, clip = phone.sent
    assert picture["title"] == clip["title"] == "front_door: person"
    assert picture["message"] == "Picture verified at Garage NAS, 08:30:00"
    assert clip["message"] == "Clip of 32 s verified at Garage NAS, 08:30:00"
    tag = "frigate-snap-sync-1795336200.123456-l0g9kw"
    assert picture["data"]["tag"] == clip["data"]["tag"] == tag
    start = f"/api/frigate_snap_sync/file/{ENTRY_ID}"
    assert picture["data"]["image"].startswith(f"{start}/snapshot/1.5-abc/1.jpg?")
    assert clip["data"]["video"].startswith(f"{start}/recording/")
    assert clip["data"]["url"] == clip["data"]["clickAction"] == clip["data"]["video"]


async def test_picture_only_while_armed(
    hass: HomeAssistant,
    engine: StandInEngine,
    entry: MockConfigEntry,
    automate: Automate,
    phone: App,
) -> None:
    """With conditions of one's own, and detections."""
    await automate(
        "picture_then_clip",
        place={"device_id": device(hass, frigate_identifier(ENTRY_ID))},
        severity="all",
        conditions=[
            {
                "condition": "state",
                "entity_id": "alarm_control_panel.home",
                "state": "armed_away",
            }
        ],
    )
    upload = {"media": "snapshot", "severity": "detection", "file": "1.jpg"}
    hass.states.async_set("alarm_control_panel.home", "disarmed")
    engine.upload(**upload)
    await settle()
    assert not phone.sent
    hass.states.async_set("alarm_control_panel.home", "armed_away")
    engine.upload(**upload)
    await settle()
    (picture,) = phone.sent
    assert picture["title"] == "front_door: snapshot"


@pytest.mark.parametrize(
    ("counts", "title", "message"),
    [
        (
            (
                Counts(copies=40, bytes=3_210_000_000),
                Counts(copies=2, bytes=3_456_789, failed=1),
            ),
            "42 copies this week",
            "Garage NAS: 40 (3.2 GB)\nOff-site server: 2 (3 MB), 1 failed",
        ),
        ((), "0 copies this week", "Nothing was copied."),
    ],
)
async def test_weekly_report(
    hass: HomeAssistant,
    engine: StandInEngine,
    entry: MockConfigEntry,
    automate: Automate,
    phone: App,
    freezer: FrozenDateTimeFactory,
    counts: tuple[Counts, ...],
    title: str,
    message: str,
) -> None:
    """On Sunday at six, of seven days."""
    engine.summary = Summary(
        rows=[
            SummaryRow(
                day="2026-11-20",
                camera="front_door",
                media="recording",
                labels=("person",),
                destination_id=destination_id,
                counts=each,
            )
            for destination_id, each in zip((LOCAL_ID, SFTP_ID), counts, strict=False)
        ]
    )
    await automate("weekly_report", frigate=ENTRY_ID)
    await passes(hass, freezer, hours=9)
    assert phone.sent == [
        {
            "title": title,
            "message": message,
            "data": {"tag": "frigate-snap-sync-report"},
        }
    ]
    (call,) = [call for call in engine.calls if call[0] == "summary"]
    assert call[2] - call[1] == timedelta(days=7)
    await passes(hass, freezer, days=1)
    assert len(phone.sent) == 1


async def press(hass: HomeAssistant, action: str) -> None:
    """Press a button of a notification."""
    hass.bus.async_fire("mobile_app_notification_action", {"action": action})
    await settle()


async def test_pause(
    hass: HomeAssistant,
    engine: StandInEngine,
    entry: MockConfigEntry,
    automate: Automate,
    phone: App,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Offered when someone comes home, begun from the phone, ended by itself."""
    await automate(
        "pause",
        switch=CAPTURE,
        offer=[{"trigger": "state", "entity_id": "person.anna", "to": "home"}],
    )
    hass.states.async_set("person.anna", "not_home")
    hass.states.async_set("person.anna", "home")
    await settle()
    tag = f"frigate-snap-sync-pause-{CAPTURE}"
    offer = {
        "title": "Pause until 10:00?",
        "message": "Frigate Capture is on.",
        "data": {
            "tag": tag,
            "actions": [{"action": f"PAUSE_{CAPTURE}", "title": "Pause"}],
        },
    }
    assert phone.sent == [offer]
    await press(hass, "PAUSE_switch.garage_nas_sending")
    assert engine.status.capture
    await press(hass, f"PAUSE_{CAPTURE}")
    assert not engine.status.capture
    assert phone.sent[1:] == [
        {
            "title": "Paused until 10:00",
            "message": "Frigate Capture is off.",
            "data": {
                "tag": tag,
                "actions": [{"action": f"RESUME_{CAPTURE}", "title": "Resume now"}],
            },
        }
    ]
    await passes(hass, freezer, minutes=59)
    assert not engine.status.capture
    await passes(hass, freezer, minutes=2)
    assert engine.status.capture
    assert phone.sent[2:] == [{"message": "clear_notification", "data": {"tag": tag}}]


@pytest.mark.parametrize("what", ["offer", "pause", "reload"])
async def test_what_comes_while_it_is_paused(
    hass: HomeAssistant,
    engine: StandInEngine,
    entry: MockConfigEntry,
    automate: Automate,
    phone: App,
    freezer: FrozenDateTimeFactory,
    what: str,
) -> None:
    """It neither prolongs the pause nor keeps it from ending."""
    offer = {"trigger": "state", "entity_id": "person.anna", "to": "home"}
    await automate("pause", switch=CAPTURE, offer=[offer])
    await press(hass, f"PAUSE_{CAPTURE}")
    assert not engine.status.capture
    await passes(hass, freezer, minutes=30)
    if what == "offer":
        hass.states.async_set("person.anna", "not_home")
        hass.states.async_set("person.anna", "home")
    elif what == "pause":
        await press(hass, f"PAUSE_{CAPTURE}")
    else:
        await automate("pause", switch=CAPTURE)
    await settle()
    assert {each["title"] for each in phone.sent} == {"Paused until 10:00"}
    await passes(hass, freezer, minutes=29)
    assert not engine.status.capture
    await passes(hass, freezer, minutes=2)
    assert engine.status.capture
    assert phone.sent[-1]["message"] == "clear_notification"


@pytest.mark.parametrize("is_reached", [True, False])
async def test_a_pause_ends_though_the_phone_can_not_be_reached(
    hass: HomeAssistant,
    engine: StandInEngine,
    entry: MockConfigEntry,
    automate: Automate,
    phone: App,
    freezer: FrozenDateTimeFactory,
    is_reached: bool,
) -> None:
    """Whether it is back by then or not."""
    await automate("pause", switch=CAPTURE)
    await press(hass, f"PAUSE_{CAPTURE}")
    phone.is_reached = False
    await automate("pause", switch=CAPTURE, duration={"minutes": 30})
    await settle()
    await passes(hass, freezer, minutes=29)
    phone.is_reached = is_reached
    assert not engine.status.capture
    await passes(hass, freezer, minutes=2)
    assert engine.status.capture


async def test_a_pause_that_is_ended_early(
    hass: HomeAssistant,
    engine: StandInEngine,
    entry: MockConfigEntry,
    automate: Automate,
    phone: App,
) -> None:
    """Begun in the app, without any offer."""
    await automate("pause", switch=CAPTURE)
    turn_off = ("switch", "turn_off", {"entity_id": CAPTURE})
    await hass.services.async_call(*turn_off, blocking=True)
    await settle()
    assert not engine.status.capture
    await press(hass, f"RESUME_{CAPTURE}")
    assert engine.status.capture
    assert [each["message"] for each in phone.sent] == [
        "Frigate Capture is off.",
        "clear_notification",
    ]


async def test_a_pause_that_a_restart_interrupts(
    hass: HomeAssistant,
    engine: StandInEngine,
    entry: MockConfigEntry,
    automate: Automate,
    freezer: FrozenDateTimeFactory,
) -> None:
    """It ends all the same."""
    engine.show(capture=False)
    hass.set_state(CoreState.not_running)
    await automate("pause", switch=CAPTURE)
    await hass.async_start()
    await settle()
    assert not engine.status.capture
    await passes(hass, freezer, minutes=61)
    assert engine.status.capture


@pytest.mark.parametrize("always", [True, False])
async def test_weekly_drill(
    hass: HomeAssistant,
    engine: StandInEngine,
    entry: MockConfigEntry,
    automate: Automate,
    phone: App,
    freezer: FrozenDateTimeFactory,
    always: bool,
) -> None:
    """A failure is reported in any case."""
    await automate("weekly_drill", frigate=ENTRY_ID, always=always)
    await passes(hass, freezer, hours=2)
    assert engine.calls.count(("drill", None)) == 1
    messages = [(each["title"], each["message"]) for each in phone.sent]
    passed = ("The fire drill passed", "front_door: passed")
    assert messages == ([passed] if always else [])
    engine.drill = replace(FAILED_DRILL)
    await passes(hass, freezer, days=7)
    assert phone.sent[-1] == {
        "title": "The fire drill failed",
        "message": "front_door: Garage NAS",
        "data": {
            "tag": "frigate-snap-sync-drill",
            "url": "/config/repairs",
            "clickAction": "/config/repairs",
        },
    }


async def test_weekly_drill_that_is_refused(
    hass: HomeAssistant,
    engine: StandInEngine,
    entry: MockConfigEntry,
    automate: Automate,
    phone: App,
    freezer: FrozenDateTimeFactory,
) -> None:
    """No drill is news as well."""
    await automate("weekly_drill", frigate=ENTRY_ID)
    engine.failure = Refused(Refusal.CAPTURE_OFF)
    await passes(hass, freezer, hours=2)
    assert [each["title"] for each in phone.sent] == ["There was no fire drill"]


def written_by_hand() -> dict[str, dict[str, Any]]:
    """Return the automations of the manual by their names, for the entry of the tests."""
    text = DOCS.read_text().replace("01J" + 23 * "X", ENTRY_ID)
    text = text.replace("event.backup_server_", "event.garage_nas_")
    blocks = re.findall(r"(?ms)^```yaml\n(.*?)^```$", text)
    found = [parse_yaml(block) for block in blocks]
    return {str(each["alias"]): each for each in found if isinstance(each, dict)}


type Read = Callable[[], list[dict[str, Any]]]


@pytest.fixture
async def by_hand(
    hass: HomeAssistant,
    engine: StandInEngine,
    entry: MockConfigEntry,
) -> AsyncIterator[Read]:
    """Set up all automations of the manual; return what reads what they tell."""
    engine.show(protection=Protection.PROTECTED, reasons=())
    calls = async_mock_service(hass, "notify", "mobile_app_phone")
    automations = list(written_by_hand().values())
    assert await async_setup_component(hass, "automation", {"automation": automations})
    await hass.async_block_till_done()
    states = hass.states.async_all("automation")
    assert [state.state for state in states] == ["on"] * len(automations)
    yield lambda: [dict(call.data) for call in calls]
    await hass.services.async_call(
        "automation", "turn_off", {"entity_id": "all"}, blocking=True
    )


def test_the_manual_has_them_all() -> None:
    """Four, and the drill."""
    assert list(written_by_hand()) == [
        "Picture once verified",
        "At risk",
        "Recordings while armed",
        "Daily report",
        "Weekly fire drill",
    ]


async def test_picture_by_hand(engine: StandInEngine, by_hand: Read) -> None:
    """With what has arrived."""
    engine.upload(media="snapshot", file="1.jpg", labels=("person",))
    engine.upload(media="snapshot", file="1.jpg", destination_id=SFTP_ID)
    await settle()
    (sent,) = by_hand()
    assert (sent["title"], sent["message"]) == (
        "front_door: person",
        "Picture verified at Garage NAS",
    )
    assert sent["data"]["image"].startswith("/api/frigate_snap_sync/file/")


async def test_at_risk_by_hand(
    hass: HomeAssistant,
    engine: StandInEngine,
    by_hand: Read,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Not before ten minutes."""
    engine.show(protection=Protection.AT_RISK, reasons=(Reason.MQTT_AWAY,))
    await passes(hass, freezer, minutes=9)
    assert not by_hand()
    await passes(hass, freezer, minutes=2)
    (sent,) = by_hand()
    assert sent["message"] == "The MQTT broker is away"


async def test_only_when_armed_by_hand(
    hass: HomeAssistant, engine: StandInEngine, by_hand: Read
) -> None:
    """And only if I am protected."""
    clip = {"start": 1795336200.0, "end": 1795336232.4}
    for alarm, protection in (
        ("disarmed", Protection.PROTECTED),
        ("armed_away", Protection.AT_RISK),
        ("armed_away", Protection.PROTECTED),
    ):
        hass.states.async_set("alarm_control_panel.home", alarm)
        engine.show(protection=protection)
        await settle()
        engine.upload(**clip)
        await settle()
    (sent,) = by_hand()
    assert sent["message"] == "front_door: 32.4 s at Garage NAS"


async def test_daily_report_by_hand(
    hass: HomeAssistant,
    engine: StandInEngine,
    by_hand: Read,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Of yesterday."""
    row = SummaryRow(
        day="2026-11-22",
        camera="front_door",
        media="recording",
        labels=(),
        destination_id=LOCAL_ID,
        counts=Counts(copies=7, failed=1),
    )
    engine.summary = Summary(rows=[row])
    await passes(hass, freezer, hours=23)
    reports = [each for each in by_hand() if "yesterday" in each["title"]]
    assert [(each["title"], each["message"]) for each in reports] == [
        ("7 copies yesterday", "front_door; 1 failed")
    ]
    (call,) = [call for call in engine.calls if call[0] == "summary"]
    assert [each.isoformat() for each in call[1:3]] == [
        "2026-11-22T00:00:00+00:00",
        "2026-11-23T00:00:00+00:00",
    ]


async def test_drill_by_hand(
    hass: HomeAssistant,
    engine: StandInEngine,
    by_hand: Read,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A failure alone is reported."""
    engine.drill = FAILED_DRILL
    await passes(hass, freezer, hours=2)
    (sent,) = by_hand()
    assert (sent["title"], sent["message"]) == ("The fire drill failed", "front_door")
