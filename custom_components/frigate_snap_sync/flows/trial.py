"""Trying a destination out: before its settings are stored, and when they stay."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant, callback

from ..const import (
    CONF_APPEND_ONLY,
    CONF_CAMERAS,
    CONF_CAN_DELETE,
    CONF_CAN_READ,
    CONF_PATH_TEMPLATE,
    CONF_TEMPORARY_FORM,
    DOMAIN,
    FOUND_BY_TESTS,
    SECTION_SELECTION,
    SECTION_STORING,
)
from ..devices import known_cameras
from ..kinds import KINDS, build_destination
from ..path_template import PathTemplate, async_layout
from ..storage.check import CheckResult, check_destination
from ..storage.errors import (
    DELETING,
    LOGGING_IN,
    ConnectTimeout,
    PermissionDenied,
    StorageError,
    Unreachable,
)
from ..storage.names import TemporaryForm


async def async_try_destination(
    hass: HomeAssistant, entry_id: str, kind: str, data: Mapping[str, Any]
) -> dict[str, Any]:
    """Test a destination of a kind end to end; return what is to be stored of it.

    `data` are those of a subentry; what an earlier test has found out does not count.
    What a test could not remove is replaced, or removed, by the next one in that place.
    Raises StorageError.
    """
    data = {k: v for k, v in data.items() if k not in FOUND_BY_TESTS}
    text = data[SECTION_STORING][CONF_PATH_TEMPLATE]
    chosen = sorted(data[SECTION_SELECTION][CONF_CAMERAS])
    cameras = chosen or known_cameras(hass, entry_id)
    destination = build_destination(hass, kind, data)

    async def check() -> CheckResult:
        return await check_destination(
            destination,
            workdir=Path(hass.config.cache_path(DOMAIN)),
            name=KINDS[kind].probe_in(data, entry_id=entry_id),
            layout=async_layout(PathTemplate(hass, text) if text else None, cameras),
        )

    try:
        try:
            result = await check()
        except Unreachable as err:
            if err.step != LOGGING_IN or isinstance(err, ConnectTimeout):
                raise
            # Some servers refuse a login by hanging up; the second time tells.
            result = await check()
    finally:
        await destination.close()
    storing, found = data[SECTION_STORING], dict(data)
    is_append_only = bool(storing.get(CONF_APPEND_ONLY))
    if not (result.can_delete or is_append_only):
        refusal = PermissionDenied(
            "Files can be written, but not be deleted", hint="still_there"
        )
        refusal.step = DELETING
        raise refusal
    if result.form is TemporaryForm.PLAIN:
        found[CONF_TEMPORARY_FORM] = result.form.value
    if is_append_only or not result.can_read:
        found[CONF_CAN_READ] = result.can_read
    if not result.can_delete:
        found[CONF_CAN_DELETE] = False
    return {**found, **destination.findings}


@callback
def async_test_in_use(
    hass: HomeAssistant, entry: ConfigEntry, subentry_id: str
) -> None:
    """Let the engine test a destination as it is; when that works it is used at once.

    One that is failing would wait for its next try, and be shown as failing.
    """
    if entry.state is not ConfigEntryState.LOADED:
        return

    async def test() -> None:
        with suppress(StorageError):  # Shown by the destination's entities.
            await entry.runtime_data.async_probe_destination(subentry_id)

    entry.async_create_background_task(hass, test(), f"test of {subentry_id}")
