"""Names shared by Home Assistant's side of the integration."""

import logging
from typing import Final

DOMAIN: Final = "frigate_snap_sync"
LOGGER: Final = logging.getLogger(__package__)
MANUAL: Final = (
    "https://github.com/frigate-snap-sync/hass-frigate-snap-sync/blob/main/docs"
)
"""Where the documentation is read."""

SECONDS_PER_HOUR: Final = 3600
SECONDS_PER_MINUTE: Final = 60

# The config entry: one Frigate
CONF_IMPORT_CONFIG: Final = "import_config"
CONF_IMPORTED: Final = "imported_destinations"
"""Suggestions for the forms of destinations; none of them is in use."""
CONF_ORIGINAL_CONFIG: Final = "original_config"
CONF_PROXY: Final = "proxy"
CONF_TOPIC_PREFIX: Final = "topic_prefix"
SECTION_ADVANCED: Final = "advanced"

# Its options
CONF_DELAY_AFTER_STARTUP: Final = "delay_after_startup"
CONF_UPLOAD_DURING_REVIEW: Final = "upload_during_review"
CONF_PART_LENGTH: Final = "part_length"
CONF_PADDING_BEFORE: Final = "padding_before"
CONF_PADDING_AFTER: Final = "padding_after"
CONF_LOOK_BACK: Final = "look_back"
CONF_SPOOL_LIMIT: Final = "spool_limit"
CONF_AT_RISK_AFTER: Final = "at_risk_after"
CONF_LIVE_FOOTAGE: Final = "live_footage"
CONF_LIVE_TAPS: Final = "live_taps"

DEFAULT_DELAY_AFTER_STARTUP: Final = 0
DEFAULT_UPLOAD_DURING_REVIEW: Final = True
DEFAULT_PART_LENGTH: Final = 30
DEFAULT_PADDING: Final = 5
DEFAULT_LOOK_BACK: Final = 24
DEFAULT_SPOOL_LIMIT: Final = 2048
DEFAULT_AT_RISK_AFTER: Final = 15
DEFAULT_LIVE_FOOTAGE: Final = "alerts"
DEFAULT_LIVE_TAPS: Final = 4

MAX_LOOK_BACK: Final = 30 * 24
"""Hours."""
LIVE_FOOTAGE: Final = ("off", "alerts", "all")
MAX_LIVE_TAPS: Final = 16
"""Cameras."""

# The config subentries: one destination each
SUBENTRY_LOCAL: Final = "local"
SUBENTRY_S3: Final = "s3"
SUBENTRY_SFTP: Final = "sftp"
SUBENTRY_WEBDAV: Final = "webdav"

CONF_ACCESS_KEY_ID: Final = "access_key_id"
CONF_BUCKET: Final = "bucket"
CONF_ENDPOINT_URL: Final = "endpoint_url"
CONF_HOST_KEY: Final = "host_key"
CONF_MOUNT_POINT: Final = "mount_point"
CONF_PASSPHRASE: Final = "passphrase"
CONF_PRIVATE_KEY: Final = "private_key"
CONF_PUBLIC_KEY: Final = "public_key"
CONF_REGION: Final = "region"
CONF_SECRET_ACCESS_KEY: Final = "secret_access_key"

DEFAULT_SFTP_PORT: Final = 22

SECTION_SELECTION: Final = "selection"
CONF_MEDIA: Final = "media"
CONF_CAMERAS: Final = "cameras"
CONF_SEVERITY: Final = "severity"
CONF_LABELS: Final = "labels"
CONF_ZONES: Final = "zones"
CONF_ONLY_WHILE_ENTITY: Final = "only_while_entity"
CONF_ONLY_WHILE_STATES: Final = "only_while_states"

SELECTION_FIELDS: Final = frozenset(
    {
        CONF_CAMERAS,
        CONF_LABELS,
        CONF_MEDIA,
        CONF_ONLY_WHILE_ENTITY,
        CONF_ONLY_WHILE_STATES,
        CONF_SEVERITY,
        CONF_ZONES,
    }
)
"""All of that section. A destination with others waits: what they limit is not known."""

MEDIA: Final = ("live_snapshots", "snapshots", "recordings")
MEDIUM_LIVE_FOOTAGE: Final = "live_footage"
"""It is selected with the media, but is the beginning of a recording, no item."""
SEVERITY_ALL: Final = "all"
SEVERITY_ALERT: Final = "alert"

SECTION_STORING: Final = "storing"
CONF_APPEND_ONLY: Final = "append_only"
CONF_BANDWIDTH_LIMIT: Final = "bandwidth_limit"
CONF_PATH_TEMPLATE: Final = "path_template"
CONF_TEMPORARY_FORM: Final = "temporary_form"
CONF_VERIFY_CHECKSUM: Final = "verify_checksum"
CONF_VOLUME_BUDGET: Final = "volume_budget"

CONF_RETENTION_DAYS: Final = "retention_days"
CONF_RETENTION_SIZE: Final = "retention_size"

MAX_RETENTION_DAYS: Final = 36500
MAX_RETENTION_SIZE: Final = 1024 * 1024
"""GiB."""
MAX_BANDWIDTH_LIMIT: Final = 10 * 1024 * 1024
"""KiB/s."""
MAX_VOLUME_BUDGET: Final = 1024 * 1024
"""GiB."""

# What a test has found out about a destination
CONF_CAN_DELETE: Final = "can_delete"
CONF_CAN_LIST: Final = "can_list"
CONF_CAN_READ: Final = "can_read"
CONF_ADDRESSING: Final = "addressing"
CONF_PROOF: Final = "proof"

FOUND_BY_TESTS: Final = frozenset(
    {
        CONF_ADDRESSING,
        CONF_CAN_DELETE,
        CONF_CAN_LIST,
        CONF_CAN_READ,
        CONF_PROOF,
        CONF_TEMPORARY_FORM,
    }
)
"""What the next test finds out again, without knowing what the last one found."""

# Actions
UPLOAD_STATES: Final = (
    "pending",
    "verified",
    "gone",
    "incomplete",
    "dropped",
    "skipped",
    "superseded",
    "cancelled",
    "expired",
)
CANCELLABLE_STATES: Final = ("pending", "incomplete")
"""Of these something is still to come."""
