"""Diagnostics: what helps to find a fault, without secrets and addresses."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

from yarl import URL

from homeassistant.components.diagnostics import async_redact_data
from homeassistant.config_entries import ConfigSubentry
from homeassistant.const import CONF_PASSWORD, CONF_URL, CONF_USERNAME
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, issue_registry as ir

from .const import CONF_IMPORTED, CONF_PROXY, DOMAIN
from .coordinator import FrigateSnapSyncConfigEntry
from .devices import camera_of_device, destination_of_device
from .kinds import KINDS
from .redaction import Redactor, parts_of_url
from .sync.model.status import CameraStatus, DestinationStatus, UploadFilter

_OF_FRIGATE: Final = frozenset({CONF_PASSWORD, CONF_PROXY, CONF_URL, CONF_USERNAME})


def to_redact() -> set[str]:
    """Return the fields that are private, of Frigates and destinations of all kinds."""
    return set(_OF_FRIGATE.union(*(kind.private for kind in KINDS.values())))


_KIND: Final = "kind"
_MOST_UPLOADS: Final = 50
"""Of the newest uploads, in the diagnostics of a camera or destination."""


async def async_get_config_entry_diagnostics(
    hass: HomeAssistant, entry: FrigateSnapSyncConfigEntry
) -> dict[str, Any]:
    """Return the diagnostics of an entry."""
    coordinator = entry.runtime_data
    url = URL(entry.data[CONF_URL])
    status = asdict(coordinator.data)
    # No free text: a user who is called so must not hide it.
    prefix_of_frigate = status.pop("frigate_topic_prefix")
    texts = {
        "status": status,
        "engine": await coordinator.engine.diagnostics(),
    }
    redactor = _redactor(entry)
    return {
        "entry": {
            "title": entry.title,
            "topic_prefix": coordinator.topic_prefix,
            "topic_prefix_of_frigate": prefix_of_frigate,
            "frigate": {"scheme": url.scheme, "port": url.port},
            "data": _entry_data(entry.data),
            "options": dict(entry.options),
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
    rows = await coordinator.async_list_uploads(wanted)
    texts = {"status": status and asdict(status), "uploads": [asdict(r) for r in rows]}
    return {**about, **redactor.redact(texts)}


def _entry_data(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return an entry's data; of what was imported only the kinds: all else is private."""
    shown = async_redact_data(dict(data), to_redact())
    if CONF_IMPORTED in shown:
        shown[CONF_IMPORTED] = [{_KIND: each[_KIND]} for each in data[CONF_IMPORTED]]
    return shown


def _destination(subentry: ConfigSubentry, redactor: Redactor) -> dict[str, Any]:
    return {
        "type": subentry.subentry_type,
        "title": redactor.redact(subentry.title),
        "data": async_redact_data(dict(subentry.data), to_redact()),
    }


def _issues(hass: HomeAssistant, *about: str) -> list[str]:
    """Return the open issues about an entry or subentries."""
    return sorted(
        issue_id
        for (domain, issue_id), issue in ir.async_get(hass).issues.items()
        if domain == DOMAIN and issue.active and issue_id.endswith(about)
    )


def _redactor(entry: FrigateSnapSyncConfigEntry) -> Redactor:
    private = _private_texts(entry.data)
    for imported in entry.data.get(CONF_IMPORTED, ()):
        private |= _private_texts(imported)
    for subentry in entry.subentries.values():
        private |= _private_texts(subentry.data)
    return Redactor(private)


def _private_texts(data: Mapping[str, Any]) -> set[str]:
    """Return what must not appear in any text."""
    texts = {str(data[key]) for key in to_redact() if data.get(key)}
    for key in (CONF_URL, CONF_PROXY):
        texts |= parts_of_url(data.get(key, ""))
    return texts
