"""What the engine shows to the outside, as frozen values; times are aware UTC datetimes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from ...cause import Cause
from .budget import BudgetStatus
from .drill import (
    FAILURES as DRILL_FAILURES,
    CameraDrill,
    DestinationDrill,
    DrillState,
    DrillStatus,
    Outcome as DrillOutcome,
    StandingFailure,
    Step as DrillStep,
)
from .summary import Summary, SummaryRow

__all__ = [
    "DRILL_FAILURES",
    "BudgetStatus",
    "CameraDrill",
    "DestinationDrill",
    "DrillOutcome",
    "DrillState",
    "DrillStatus",
    "DrillStep",
    "StandingFailure",
    "Summary",
    "SummaryRow",
]


def utc(seconds: float | None) -> datetime | None:
    """Return a moment of the ledger as the status has it."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


class Protection(StrEnum):
    """How protected the owner is."""

    PROTECTED = "protected"
    CATCHING_UP = "catching_up"
    AT_RISK = "at_risk"
    PAUSED = "paused"
    NOT_SET_UP = "not_set_up"


class Reason(StrEnum):
    """Why the owner is not protected, in the order in which reasons are shown."""

    NO_DESTINATION = "no_destination"
    CAPTURE_OFF = "capture_off"
    SENDING_OFF = "sending_off"
    ONLY_WHILE = "only_while"
    BUDGET_SPENT = "budget_spent"
    NO_CAMERA = "no_camera"
    FRIGATE_AWAY = "frigate_away"
    FRIGATE_LOGIN_REFUSED = "frigate_login_refused"
    CATCH_UP_FAILING = "catch_up_failing"
    FRIGATE_MQTT_DISABLED = "frigate_mqtt_disabled"
    MQTT_AWAY = "mqtt_away"
    MQTT_SILENT = "mqtt_silent"
    DESTINATION_FAILING = "destination_failing"
    ITEM_LATE = "item_late"
    SPOOL_FULL = "spool_full"
    DISK_FULL = "disk_full"
    LEDGER_FAILING = "ledger_failing"
    ITEMS_LOST = "items_lost"
    NOTHING_UPLOADED = "nothing_uploaded"
    DRILL_FAILED = "drill_failed"


class Problem(StrEnum):
    """Why a destination fails, as far as a person can do something about it."""

    HOST_KEY_CHANGED = "host_key_changed"
    LOGIN_REFUSED = "login_refused"
    NOT_WRITABLE = "not_writable"
    NOT_MOUNTED = "not_mounted"
    NO_SPACE = "no_space"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraStatus:
    """One camera. `…_enabled` is None while unknown; counters never go down.

    `display_name` is what Frigate calls it: its friendly name, else its name; None
    until Frigate's configuration was read. `snapshots_uploaded` counts live snapshots
    too.
    """

    name: str
    display_name: str | None = None
    snapshots_enabled: bool | None = None
    recordings_enabled: bool | None = None
    snapshots_uploaded: int = 0
    recordings_uploaded: int = 0
    last_upload: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LastError:
    """What went wrong last at a destination.

    `code` is that of the cause (`storage.errors`), `text` what happened in words,
    `file` the path below the root that it happened to, if it was about a file.
    """

    code: str
    text: str
    file: str | None
    time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DestinationStatus:
    """One destination. `connected` and `free_space` (bytes) are None while unknown.

    `pending_uploads` counts those that wait; what is on its way as planned does
    not. `failed_uploads` counts those that ended as gone, incomplete or dropped.
    `last_error` is None once the destination has worked since. `failing_since` is
    None while the destination as a whole works; then so are `reason` and `cause`, why
    it does not, for the log and for people; `problem`, what a person can fix; and
    `fingerprint`, that of a host key which is not the pinned one. `space_needed` are
    the free bytes that are enough, None while there are as many. `budget` is None where
    there is none. `closed`: an entity has another state than the owner chose, so
    nothing new is wanted.
    `tested` is when a test that was asked for passed last, since the start.
    """

    connected: bool | None = None
    sending: bool = True
    closed: bool = False
    live_snapshots_uploaded: int = 0
    snapshots_uploaded: int = 0
    recordings_uploaded: int = 0
    data_uploaded: int = 0
    pending_uploads: int = 0
    failed_uploads: int = 0
    last_upload: datetime | None = None
    last_error: LastError | None = None
    free_space: int | None = None
    tested: datetime | None = None
    space_needed: int | None = None
    failing_since: datetime | None = None
    reason: str | None = None
    cause: Cause | None = None
    problem: Problem | None = None
    fingerprint: str | None = None
    budget: BudgetStatus | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """A file that a destination will not get, or has lost.

    `cause` is the state in which its upload ended, or `missing` where the copy had
    arrived; `reason` says why, for the log.
    """

    destination_id: str
    path: str
    cause: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Losses:
    """What was lost and not acknowledged yet: how much, and the newest of it.

    `until` is the moment up to which this is all (epoch seconds); `messages` tells
    whether live snapshots were lost before they could be kept, `large_images` whether
    some were too large to be.
    """

    count: int = 0
    newest: tuple[Loss, ...] = ()
    messages: bool = False
    large_images: bool = False
    until: float = 0.0

    def __bool__(self) -> bool:
        """Tell whether anything was lost."""
        return bool(self.count or self.messages or self.large_images)


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineStatus:
    """Everything the entities show.

    `frigate_connected` is None until Frigate was asked once; `mqtt_connected`
    is the broker's link. `frigate_login_refusals` counts the refused logins since
    Frigate answered last; in `frigate_safe_mode` Frigate can't read its configuration.
    `frigate_topic_prefix` is the one in that, None until it was read;
    `topic_prefix_changed` tells that it is not ours any more. `protection` is so since
    `since`, for all of the `reasons`. `home_error` is what failed last at home, for the
    log; for people, `disk_cause` is why the disk is full, None where nothing has failed
    for that yet, and `ledger_cause` why ledger or spool can't be used otherwise.
    `oldest_pending` is since when the oldest upload waits that does.
    `destinations` is keyed by the destination's id.
    """

    frigate_connected: bool | None = None
    frigate_version: str | None = None
    frigate_login_refused: bool = False
    frigate_login_refusals: int = 0
    frigate_safe_mode: bool = False
    frigate_topic_prefix: str | None = None
    topic_prefix_changed: bool = False
    frigate_mqtt_disabled: bool = False
    mqtt_connected: bool = False
    no_mqtt_messages: bool = False
    nothing_uploaded: bool = False
    spool_full: bool = False
    disk_full: bool = False
    ledger_failing: bool = False
    home_error: str = ""
    disk_cause: Cause | None = None
    ledger_cause: Cause | None = None
    losses: Losses = field(default_factory=Losses)
    drill: DrillStatus = field(default_factory=DrillStatus)
    capture: bool = True
    protection: Protection = Protection.CATCHING_UP
    reasons: tuple[Reason, ...] = ()
    since: datetime | None = None
    pending_uploads: int = 0
    oldest_pending: datetime | None = None
    cameras: Mapping[str, CameraStatus] = field(default_factory=dict)
    destinations: Mapping[str, DestinationStatus] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadEvent:
    """One upload that ended: verified, or failed: gone, incomplete, dropped (`cause`).

    `media` is `live_snapshot`, `snapshot` or `recording`; parts tell nothing. `labels`
    and `zones` are sorted. Times are those of the item, or of this piece of it, in
    epoch seconds of Frigate's clock; `end` is None while that is unknown. `file` is how
    the file is found again (`FileKey.name`). `review_id` is None where none is known.
    """

    destination_id: str
    verified: bool
    media: str
    camera: str
    item_id: str
    path: str
    size: int | None
    reason: str | None
    cause: str | None = None
    labels: tuple[str, ...] = ()
    severity: str | None = None
    zones: tuple[str, ...] = ()
    start: float = 0.0
    end: float | None = None
    review_id: str | None = None
    object_ids: tuple[str, ...] = ()
    file: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """An image of a camera that came just now, to be shown; `moment` is its time."""

    camera: str
    image: bytes = field(repr=False)
    moment: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """What was queued because a person asked for an item, whose id is `item_id`.

    A file that several destinations get counts for each of them. `size` is an estimate
    in bytes, None where Frigate does not tell.
    """

    item_id: str
    files: int = 0
    seconds: int = 0
    size: int | None = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtectFilter:
    """Which items are to be protected, or no longer: one, or a camera's of some time.

    `start` and `end` are in epoch seconds.
    """

    item_id: str | None = None
    camera: str | None = None
    start: float = 0.0
    end: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpiredCopy:
    """A copy whose time is over; `start` is its item's, in epoch seconds."""

    path: str
    size: int
    start: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpiredCopies:
    """The copies at a destination whose time is over: how many, their bytes, the oldest."""

    rows: Sequence[ExpiredCopy]
    count: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelFilter:
    """Which uploads are to be cancelled: those that fit all that is not None."""

    item_id: str | None = None
    destination_id: str | None = None
    state: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadFilter:
    """Which uploads are asked for: those that fit all that is not None.

    `media` is `live_snapshots`, `snapshots` or `recordings`; times are those of
    the items' start, `after` itself fits, `before` doesn't.
    """

    item_id: str | None = None
    camera: str | None = None
    destination_id: str | None = None
    media: str | None = None
    state: str | None = None
    after: datetime | None = None
    before: datetime | None = None
    limit: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadRow:
    """One upload, as the ledger has it; `reason` says why it is not verified."""

    destination_id: str
    media: str
    camera: str
    item_id: str
    label: str
    state: str
    role: str
    path: str
    size: int | None
    attempts: int
    start: datetime
    finished: datetime | None
    reason: str | None
