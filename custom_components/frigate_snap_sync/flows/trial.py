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
    NoSftp,
    StorageError,
    Unreachable,
    Unusable,
)
from ..storage.check import check_destination

_PLACES: Final[dict[str, str]] = {
    Unreachable.code: CONF_HOST,
    ConnectTimeout.code: CONF_HOST,
    HostKeyChanged.code: CONF_HOST,
    NoSftp.code: CONF_HOST,
    Unusable.code: CONF_HOST,
    AuthFailed.code: CONF_USERNAME,
    InvalidKey.code: CONF_PRIVATE_KEY,
}
"""By the code of the cause; the path for all others."""


def place_of(err: StorageError) -> tuple[str, str]:
    """Return the field that a failure belongs to, and the name of the error."""
    return _PLACES.get(err.code, CONF_PATH), err.code


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
