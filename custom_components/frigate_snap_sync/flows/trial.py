"""Trying a destination out before its settings are stored."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from homeassistant.const import CONF_HOST, CONF_PATH, CONF_USERNAME
from homeassistant.core import HomeAssistant

from ..const import CONF_PRIVATE_KEY, DOMAIN
from ..destinations import build_destination
from ..storage.base import (
    AuthFailed,
    ConnectTimeout,
    HostKeyChanged,
    InvalidKey,
    NoSpace,
    NotMounted,
    PathNotAllowed,
    StorageError,
    Unreachable,
)
from ..storage.check import check_destination

_PLACES: Final[tuple[tuple[type[StorageError], str, str], ...]] = (
    (ConnectTimeout, CONF_HOST, "timeout_connect"),
    (Unreachable, CONF_HOST, "cannot_connect"),
    (HostKeyChanged, CONF_HOST, "host_key_mismatch"),
    (AuthFailed, CONF_USERNAME, "invalid_auth"),
    (InvalidKey, CONF_PRIVATE_KEY, "invalid_key"),
    (NoSpace, CONF_PATH, "no_space"),
    (NotMounted, CONF_PATH, "not_mounted"),
    (PathNotAllowed, CONF_PATH, "path_not_allowed"),
    (StorageError, CONF_PATH, "not_writable"),
)


def place_of(err: StorageError) -> tuple[str, str]:
    """Return the field that a failure belongs to, and the name of the error."""
    return next(
        (place, error) for cause, place, error in _PLACES if isinstance(err, cause)
    )


async def async_try_destination(
    hass: HomeAssistant, kind: str, data: Mapping[str, Any]
) -> None:
    """Test a destination of a kind truthfully; raises StorageError."""
    workdir = Path(hass.config.cache_path(DOMAIN))
    destination = build_destination(hass, kind, data)
    try:
        await check_destination(destination, workdir=workdir)
    finally:
        await destination.close()
