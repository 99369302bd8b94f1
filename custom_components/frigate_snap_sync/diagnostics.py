"""Diagnostics: what helps to find a fault, without secrets and addresses."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict
from types import MappingProxyType
from typing import Any, Final

from yarl import URL

from homeassistant.components.diagnostics import REDACTED
from homeassistant.config_entries import ConfigEntryState, ConfigSubentry
from homeassistant.const import CONF_URL, CONF_VERIFY_SSL
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import device_registry as dr, issue_registry as ir

from .const import (
    CONF_APPEND_ONLY,
    CONF_AT_RISK_AFTER,
    CONF_BANDWIDTH_LIMIT,
    CONF_DELAY_AFTER_STARTUP,
    CONF_IMPORTED,
    CONF_LIVE_FOOTAGE,
    CONF_LIVE_TAPS,
    CONF_LOOK_BACK,
    CONF_PADDING_AFTER,
    CONF_PADDING_BEFORE,
    CONF_PART_LENGTH,
    CONF_PATH_TEMPLATE,
    CONF_RETENTION_DAYS,
    CONF_RETENTION_SIZE,
    CONF_SPOOL_LIMIT,
    CONF_TEMPORARY_FORM,
    CONF_TOPIC_PREFIX,
    CONF_UPLOAD_DURING_REVIEW,
    CONF_VERIFY_CHECKSUM,
    CONF_VOLUME_BUDGET,
    DOMAIN,
    SECTION_SELECTION,
    SECTION_STORING,
    SELECTION_FIELDS,
)
from .coordinator import FrigateSnapSyncConfigEntry
from .devices import camera_of_device, destination_of_device
from .kinds import KINDS
from .redaction import Redactor, parts_of_url
from .sync.model.status import CameraStatus, DestinationStatus, UploadFilter

_OF_FRIGATE: Final = frozenset({CONF_TOPIC_PREFIX, CONF_VERIFY_SSL})
_OPTIONS: Final = frozenset(
    {
        CONF_AT_RISK_AFTER,
        CONF_DELAY_AFTER_STARTUP,
        CONF_LIVE_FOOTAGE,
        CONF_LIVE_TAPS,
        CONF_LOOK_BACK,
        CONF_PADDING_AFTER,
        CONF_PADDING_BEFORE,
        CONF_PART_LENGTH,
        CONF_SPOOL_LIMIT,
        CONF_UPLOAD_DURING_REVIEW,
    }
)
_SECTIONS: Final[Mapping[str, frozenset[str]]] = {
    SECTION_SELECTION: SELECTION_FIELDS,
    SECTION_STORING: frozenset(
        {
            CONF_APPEND_ONLY,
            CONF_BANDWIDTH_LIMIT,
            CONF_PATH_TEMPLATE,
            CONF_RETENTION_DAYS,
            CONF_RETENTION_SIZE,
            CONF_VERIFY_CHECKSUM,
            CONF_VOLUME_BUDGET,
        }
    ),
}
"""What destinations of all kinds store, by sections."""
_KIND: Final = "kind"
_SCHEMES: Final = ("http://", "https://")
_MOST_UPLOADS: Final = 50
"""Of the newest uploads, in the diagnostics of a camera or destination."""


async def async_get_config_entry_diagnostics(
    hass: HomeAssistant, entry: FrigateSnapSyncConfigEntry
) -> dict[str, Any]:
    """Return the diagnostics of an entry, without its engine if it does not run."""
    url = URL(entry.data[CONF_URL])
    texts: dict[str, Any] = {}
    # No free text: a user who is called so must not hide it.
    prefix_of_frigate: str | None = None
    if entry.state is ConfigEntryState.LOADED:
        coordinator = entry.runtime_data
        status = asdict(coordinator.data)
        prefix_of_frigate = status.pop("frigate_topic_prefix")
        texts = {"status": status, "engine": await coordinator.engine.diagnostics()}
    redactor = _redactor(entry)
    return {
        "entry": {
            "title": entry.title,
            "state": entry.state.value,
            "topic_prefix": entry.unique_id,
            "topic_prefix_of_frigate": prefix_of_frigate,
            "frigate": {"scheme": url.scheme, "port": url.port},
            "data": _entry_data(entry.data),
            "options": _shown(entry.options, _OPTIONS),
        },
        "destinations": {
            subentry_id: _destination(subentry, redactor)
            for subentry_id, subentry in entry.subentries.items()
        },
        "issues": _issues(hass, entry.entry_id, *entry.subentries),
        # Error texts name hosts, users and folders.
        **redactor.redact(texts),
    }


async def async_get_device_diagnostics(
    hass: HomeAssistant, entry: FrigateSnapSyncConfigEntry, device: dr.DeviceEntry
) -> dict[str, Any]:
    """Return the diagnostics of a camera or destination; of a Frigate all there are."""
    if entry.state is not ConfigEntryState.LOADED:
        return await async_get_config_entry_diagnostics(hass, entry)
    coordinator, redactor = entry.runtime_data, _redactor(entry)
    camera = camera_of_device(entry.entry_id, device)
    if camera is not None:
        status: CameraStatus | DestinationStatus | None = coordinator.data.cameras.get(
            camera
        )
        wanted = UploadFilter(camera=camera, limit=_MOST_UPLOADS)
        about: dict[str, Any] = {"camera": camera}
    elif subentry := destination_of_device(entry, device):
        status = coordinator.data.destinations.get(subentry.subentry_id)
        wanted = UploadFilter(destination_id=subentry.subentry_id, limit=_MOST_UPLOADS)
        about = {
            "destination": _destination(subentry, redactor),
            "issues": _issues(hass, subentry.subentry_id),
        }
    else:
        return await async_get_config_entry_diagnostics(hass, entry)
    uploads: object
    try:
        rows = await coordinator.async_list_uploads(wanted)
        uploads = [asdict(row) for row in rows]
    except HomeAssistantError as err:
        # All else is known without the ledger.
        uploads = {"error": str(err.__cause__ or err)}
    texts = {"status": status and asdict(status), "uploads": uploads}
    return {**about, **redactor.redact(texts)}


def _entry_data(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return an entry's data; of what was imported only the kinds: all else is private."""
    shown = _shown(data, _OF_FRIGATE)
    if CONF_IMPORTED in shown:
        shown[CONF_IMPORTED] = [{_KIND: each[_KIND]} for each in data[CONF_IMPORTED]]
    return shown


def _destination(subentry: ConfigSubentry, redactor: Redactor) -> dict[str, Any]:
    return {
        "type": subentry.subentry_type,
        "title": redactor.redact(subentry.title),
        "data": _shown(subentry.data, _public_fields(subentry), _sections(subentry)),
    }


def _issues(hass: HomeAssistant, *about: str) -> list[str]:
    """Return the open issues about an entry or subentries."""
    return sorted(
        issue_id
        for (domain, issue_id), issue in ir.async_get(hass).issues.items()
        if domain == DOMAIN and issue.active and issue_id.endswith(about)
    )


def _public_fields(subentry: ConfigSubentry) -> frozenset[str]:
    """Return the fields that hold nothing private: none of a kind that is not known."""
    kind = KINDS.get(subentry.subentry_type)
    return frozenset() if kind is None else kind.public | {CONF_TEMPORARY_FORM}


def _sections(subentry: ConfigSubentry) -> Mapping[str, frozenset[str]]:
    return _SECTIONS if subentry.subentry_type in KINDS else {}


def _shown(
    data: Mapping[str, Any],
    public: Collection[str],
    sections: Mapping[str, Collection[str]] = MappingProxyType({}),
) -> dict[str, Any]:
    """Return settings with what may be shown; of all else that there is something.

    A newer version may have stored secrets under names that are not known here.
    """

    def shown(key: str, value: Any) -> Any:
        if key in sections and isinstance(value, Mapping):
            return _shown(value, sections[key])
        return value if key in public or value in (None, "") else REDACTED

    return {key: shown(key, value) for key, value in data.items()}


def _redactor(entry: FrigateSnapSyncConfigEntry) -> Redactor:
    private = _private_texts(entry.data, _OF_FRIGATE | {CONF_IMPORTED})
    for imported in entry.data.get(CONF_IMPORTED, ()):
        private |= _private_texts(imported, {_KIND})
    for subentry in entry.subentries.values():
        public = _public_fields(subentry) | _SECTIONS.keys()
        private |= _private_texts(subentry.data, public)
    return Redactor(private)


def _private_texts(data: Mapping[str, Any], public: Collection[str]) -> set[str]:
    """Return what must not appear in any text."""
    texts: set[str] = set()
    for key, value in data.items():
        if key not in public:
            for text in _leaves(value):
                texts.add(text)
                # Whatever the field is called: an error names the host alone.
                if text.lower().startswith(_SCHEMES):
                    texts |= parts_of_url(text)
    return texts


def _leaves(value: Any) -> Iterator[str]:
    """Yield the texts of a value, at any depth."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _leaves(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _leaves(each)
