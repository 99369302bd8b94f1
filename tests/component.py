"""What the tests of Home Assistant's side share: data, steps and a stand-in."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.frigate_snap_sync.const import DOMAIN
from custom_components.frigate_snap_sync.storage.errors import StorageError
from custom_components.frigate_snap_sync.sync.model.drill import status_of
from custom_components.frigate_snap_sync.sync.model.status import (
    CameraDrill,
    CameraStatus,
    CancelFilter,
    DestinationDrill,
    DestinationStatus,
    DrillOutcome,
    DrillStatus,
    EngineStatus,
    ExpiredCopies,
    ExpiredCopy,
    LastError,
    ProtectFilter,
    Protection,
    Queued,
    Reason,
    Summary,
    UploadEvent,
    UploadFilter,
    UploadRow,
)
from custom_components.frigate_snap_sync.sync.playback.playback import Playback
from homeassistant.config_entries import ConfigSubentry, ConfigSubentryDataWithId
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util

ENTRY_ID = "01JFRIGATEFRIGATEFRIGATE00"
LOCAL_ID = "01JLOCALLOCALLOCALLOCAL000"
SFTP_ID = "01JSFTPSFTPSFTPSFTPSFTP000"

SELECTION = {
    "media": ["live_snapshots", "snapshots", "recordings"],
    "cameras": [],
    "severity": "all",
    "labels": [],
    "zones": [],
    "only_while_states": [],
}
GROWING_SELECTION = {**SELECTION, "media": [*SELECTION["media"], "live_footage"]}
"""The default where files can grow."""
STORING = {
    "path_template": "",
    "bandwidth_limit": 0,
    "volume_budget": 0,
    "retention_days": 0,
    "retention_size": 0,
    "verify_checksum": False,
    "append_only": False,
}

# Read by the tests of what must stay secret.
SECRETS = {
    "password": "frigate-password-7391",
    "sftp_password": "sftp-password-4410",
    "private_key": "-----BEGIN OPENSSH PRIVATE KEY-----\nnot-a-real-key-5127\n",
    "passphrase": "passphrase-8846",
    "proxy": "http://proxy-user:proxy-secret@192.0.2.9:3128",
}


def local_data(path: str | Path, *, mount_point: str = "/") -> dict[str, Any]:
    """Return the data of a local destination."""
    return {
        "path": str(path),
        "mount_point": mount_point,
        "selection": SELECTION,
        "storing": STORING,
    }


def sftp_data(**changes: Any) -> dict[str, Any]:
    """Return the data of an SFTP destination that nobody connects to."""
    return {
        "host": "192.0.2.7",
        "port": 22,
        "username": "camera-uploads",
        "password": SECRETS["sftp_password"],
        "private_key": SECRETS["private_key"],
        "passphrase": SECRETS["passphrase"],
        "path": "/srv/evidence",
        "host_key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHost",
        "selection": SELECTION,
        "storing": STORING,
        **changes,
    }


def local_subentry(path: str | Path) -> ConfigSubentryDataWithId:
    """Return a local destination as it is stored."""
    return ConfigSubentryDataWithId(
        data=local_data(path),
        subentry_id=LOCAL_ID,
        subentry_type="local",
        title="Garage NAS",
        unique_id=f"local:{path}",
    )


def sftp_subentry(**changes: Any) -> ConfigSubentryDataWithId:
    """Return an SFTP destination as it is stored."""
    data = sftp_data(**changes)
    return ConfigSubentryDataWithId(
        data=data,
        subentry_id=SFTP_ID,
        subentry_type="sftp",
        title="Off-site server",
        unique_id="sftp:{username}@{host}:{port}{path}".format(**data),
    )


def frigate_entry(
    url: str = "http://192.0.2.5:5000",
    *,
    unique_id: str = "frigate",
    subentries: Iterable[ConfigSubentryDataWithId] = (),
    data: Mapping[str, Any] | None = None,
    **changes: Any,
) -> MockConfigEntry:
    """Return an entry that is not added yet."""
    return MockConfigEntry(
        domain=DOMAIN,
        entry_id=ENTRY_ID,
        title="Frigate",
        unique_id=unique_id,
        data={"url": url, "verify_ssl": True, **(data or {})},
        subentries_data=list(subentries),
        **changes,
    )


async def async_set_up(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Add an entry and set it up."""
    entry.add_to_hass(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()


CAMERA = CameraStatus(
    name="front_door",
    display_name="front_door",
    snapshots_enabled=True,
    recordings_enabled=False,
    snapshots_uploaded=12,
    recordings_uploaded=3,
    last_upload=dt_util.parse_datetime("2026-11-22T08:30:00+00:00"),
)
DESTINATION = DestinationStatus(
    connected=True,
    live_snapshots_uploaded=20,
    snapshots_uploaded=12,
    recordings_uploaded=3,
    data_uploaded=8_500_000,
    pending_uploads=2,
    failed_uploads=1,
    last_upload=dt_util.parse_datetime("2026-11-22T08:30:00+00:00"),
    last_error=LastError(
        code="cannot_connect",
        text="The server does not answer",
        file="2026-11-22/clip.mp4",
        time=datetime(2026, 11, 22, 8, tzinfo=UTC),
    ),
    free_space=120_000_000_000,
)
STATUS = EngineStatus(
    frigate_connected=True,
    frigate_version="0.17.2-3d4dd3a",
    mqtt_connected=True,
    protection=Protection.CATCHING_UP,
    pending_uploads=2,
    reasons=(Reason.DESTINATION_FAILING, Reason.ITEM_LATE),
    since=dt_util.parse_datetime("2026-11-22T08:21:00+00:00"),
    oldest_pending=dt_util.parse_datetime("2026-11-22T08:20:00+00:00"),
    cameras={"front_door": CAMERA},
    destinations={LOCAL_ID: DESTINATION},
)
UPLOAD = UploadEvent(
    destination_id=LOCAL_ID,
    verified=True,
    media="recording",
    camera="front_door",
    item_id="1795336200.123456-l0g9kw",
    path="2026-11-22/2026-11-22_18-04-31+0100-front_door-recording-person-l0g9kw.mp4",
    size=8_500_000,
    reason=None,
)


def drilled(moment: float, **destination: Any) -> DrillStatus:
    """Return what a drill of the front door came to at the local destination."""
    drill = CameraDrill(
        camera="front_door",
        moment=moment,
        bytes=2_500_000,
        seconds={"picture": 0.2, "footage": 1.4},
        destinations=(DestinationDrill(destination_id=LOCAL_ID, **destination),),
    )
    return status_of(
        [drill],
        destinations=[LOCAL_ID],
        is_wanted=lambda camera, destination_id: True,
    )


PASSED_DRILL = drilled(
    1795336200.0,
    outcome=DrillOutcome.PASSED,
    proof="read_back",
    seconds={"connect": 0.1, "send_picture": 0.3, "send_footage": 2.1},
)
FAILED_DRILL = drilled(
    1795336260.0,
    outcome=DrillOutcome.FAILED,
    cause="no_space",
    step="send_footage",
    seconds={"connect": 0.1, "send_picture": 0.3, "send_footage": 9.0},
)


class StandInEngine:
    """Shows a status of the test's choice and keeps what it was told."""

    def __init__(self, **arguments: Any) -> None:
        """Begin as the real one does, knowing nothing."""
        self.arguments = arguments
        self.status = EngineStatus()
        self.first_status = STATUS
        self.setups: list[Any] = []
        self.closed: list[set[str]] = []
        self.closed_since: list[float] = []
        self.calls: list[tuple[Any, ...]] = []
        self.failure: Exception | None = None
        self.apply_failure: Exception | None = None
        self.on_start: Callable[[], object] = lambda: None
        self.rows: list[UploadRow] = []
        self.drill = PASSED_DRILL
        self.undrillable: dict[str, Exception] = {}
        """Cameras of which no drill is possible, and why."""
        self.summary = Summary()
        self.at_start: list[dict[str, Any]] = []
        self.playback: Playback | None = None
        self.gate = asyncio.Event()
        self.gate.set()

    def show(self, **changes: Any) -> None:
        """Change the status, and tell of it if it is another."""
        self._show(replace(self.status, **changes))

    def show_destination(self, destination_id: str, **changes: Any) -> None:
        """Change the status of one destination."""
        destinations = dict(self.status.destinations)
        known = destinations.get(destination_id, DestinationStatus())
        destinations[destination_id] = replace(known, **changes)
        self.show(destinations=destinations)

    def upload(self, **changes: Any) -> None:
        """Tell of an upload that has ended."""
        self.arguments["on_upload"](replace(UPLOAD, **changes))

    async def start(
        self, destinations: Iterable[Any], *, closed: Iterable[str] = ()
    ) -> None:
        """Take the destinations."""
        self._raise()
        self.closed.append(set(closed))
        self.setups = list(destinations)
        self._show(self.first_status)
        for changes in self.at_start:
            self.upload(**changes)
        self.on_start()

    async def stop(self) -> None:
        """Note it; the real one waits for its tasks."""
        self.calls.append(("stop",))
        await asyncio.sleep(0)

    def handle_message(self, topic: str, payload: bytes | str, *, retain: bool) -> None:
        """Note it."""
        self.calls.append(("message", topic, payload, retain))

    def handle_mqtt_connection(self, connected: bool) -> None:
        """Note it."""
        self.calls.append(("mqtt", connected))

    async def apply_destinations(self, destinations: Iterable[Any]) -> None:
        """Take other destinations."""
        self._raise()
        if self.apply_failure is not None:
            raise self.apply_failure
        self.setups = list(destinations)
        known = self.status.destinations
        self.show(
            destinations={
                setup.id: known.get(setup.id, DestinationStatus())
                for setup in self.setups
            }
        )

    async def set_capture(self, enabled: bool) -> None:
        """Switch the Frigate."""
        self._raise()
        self.show(capture=enabled)

    async def set_closed(self, closed: Iterable[str], *, since: float) -> None:
        """Note what is closed."""
        self._raise()
        self.closed.append(set(closed))
        self.closed_since.append(since)

    async def set_sending(self, destination_id: str, enabled: bool) -> None:
        """Switch a destination."""
        self._raise()
        self.show_destination(destination_id, sending=enabled)

    async def test_destination(self, destination_id: str) -> None:
        """Note it."""
        self.calls.append(("test", destination_id))
        self._raise()

    async def catch_up(self, look_back: float | None = None) -> int:
        """Find three items."""
        self.calls.append(("catch_up", look_back))
        self._raise()
        return 3

    async def retry_failed(self) -> int:
        """Find two uploads."""
        self.calls.append(("retry_failed",))
        self._raise()
        return 2

    async def list_uploads(self, wanted: UploadFilter) -> list[UploadRow]:
        """Return the rows, whatever is asked for."""
        self.calls.append(("list_uploads", wanted))
        self._raise()
        return self.rows

    @property
    def requests(self) -> StandInEngine:
        """Return what takes the owner's requests."""
        return self

    async def upload_review(
        self, review_id: str, destination_id: str | None = None
    ) -> Queued:
        """Queue two files."""
        self.calls.append(("upload_review", review_id, destination_id))
        self._raise()
        return Queued(item_id=review_id, files=2, seconds=150, size=7_500_000)

    async def upload_range(
        self, camera: str, start: float, end: float, destination_id: str | None = None
    ) -> Queued:
        """Find that all of it is there."""
        self.calls.append(("upload_range", camera, start, end, destination_id))
        self._raise()
        return Queued(item_id="range-0123456789ab")

    async def cancel(self, wanted: CancelFilter) -> int:
        """Find four uploads."""
        self.calls.append(("cancel", wanted))
        self._raise()
        return 4

    @property
    def retention(self) -> StandInEngine:
        """Return what takes requests about retention."""
        return self

    async def protect(self, wanted: ProtectFilter, *, is_protected: bool) -> int:
        """Find three items."""
        self.calls.append(("protect", wanted, is_protected))
        self._raise()
        return 3

    async def expired(
        self, destination_id: str | None, *, limit: int, apply: bool
    ) -> dict[str, ExpiredCopies]:
        """Find one copy at the folder."""
        self.calls.append(("expired", destination_id, apply))
        self._raise()
        row = ExpiredCopy(path="a/b.mp4", size=7, start=1795334400.0)
        return {LOCAL_ID: ExpiredCopies(rows=[row][:limit], count=1, size=7)}

    @property
    def summaries(self) -> StandInEngine:
        """Return what adds up."""
        return self

    async def of(self, start: datetime, end: datetime, **chosen: Any) -> Summary:
        """Return what the test wants."""
        self.calls.append(("summary", start, end, chosen))
        self._raise()
        return self.summary

    @property
    def drills(self) -> StandInEngine:
        """Return what drills."""
        return self

    async def run(self, camera: str | None = None) -> tuple[CameraDrill, ...]:
        """Return what the test wants to come of it, and show it."""
        self.calls.append(("drill", camera))
        self._raise()
        if camera in self.undrillable:
            raise self.undrillable[camera]
        self.show(drill=self.drill)
        return self.drill.drills

    async def acknowledge_losses(self, until: float) -> None:
        """Note it."""
        self.calls.append(("acknowledge", until))
        self._raise()

    async def forget_camera(self, camera: str) -> None:
        """Note it."""
        self.calls.append(("forget", camera))

    async def back_up(self) -> None:
        """Note it, and take as long as the test wants."""
        self.calls.append(("back_up",))
        await self.gate.wait()
        self._raise()

    async def end_backup(self) -> None:
        """Note it."""
        self.calls.append(("end_backup",))
        self._raise()

    async def diagnostics(self) -> dict[str, Any]:
        """Return something."""
        return {
            "counts": {"pending": 2},
            "errors": ["192.0.2.7: refused", "The disk is full"],
        }

    def _show(self, status: EngineStatus) -> None:
        if status != self.status:
            self.status = status
            self.arguments["on_status"](status)

    def _raise(self) -> None:
        if self.failure is not None:
            raise self.failure


class Refused(StorageError):
    """A failure of a destination."""

    code = "not_writable"


def subentry(data: ConfigSubentryDataWithId) -> ConfigSubentry:
    """Return the subentry that Home Assistant would make of these data."""
    return ConfigSubentry(
        data=MappingProxyType(dict(data["data"])),
        subentry_id=data["subentry_id"],
        subentry_type=data["subentry_type"],
        title=data["title"],
        unique_id=data["unique_id"],
    )
