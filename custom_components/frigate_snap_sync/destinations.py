"""Destinations made from the data of config subentries."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from homeassistant.const import (
    CONF_HOST,
    CONF_PASSWORD,
    CONF_PATH,
    CONF_PORT,
    CONF_USERNAME,
)
from homeassistant.core import HomeAssistant

from .const import (
    CONF_HOST_KEY,
    CONF_MOUNT_POINT,
    CONF_PASSPHRASE,
    CONF_PRIVATE_KEY,
    SUBENTRY_LOCAL,
    SUBENTRY_SFTP,
)
from .storage.base import Destination
from .storage.local.destination import LocalDestination
from .storage.sftp.destination import SftpDestination, SftpSettings


def build_destination(
    hass: HomeAssistant, kind: str, data: Mapping[str, Any]
) -> Destination:
    """Return the destination that a subentry of the type `kind` describes.

    Nothing is touched and nothing connected. Raises KeyError, TypeError or
    ValueError when the data are not those that the flows store.
    """
    if kind == SUBENTRY_LOCAL:
        return LocalDestination(
            Path(data[CONF_PATH]),
            mount_point=data[CONF_MOUNT_POINT],
            is_allowed=lambda path: is_allowed_folder(hass, path),
        )
    if kind == SUBENTRY_SFTP:
        return SftpDestination(
            SftpSettings(
                host=data[CONF_HOST],
                port=int(data[CONF_PORT]),
                username=data[CONF_USERNAME],
                password=data.get(CONF_PASSWORD),
                private_key=data.get(CONF_PRIVATE_KEY),
                passphrase=data.get(CONF_PASSPHRASE),
                path=data[CONF_PATH],
                host_key=data[CONF_HOST_KEY],
            )
        )
    raise ValueError(f"unknown kind of destination: {kind}")


def is_allowed_folder(hass: HomeAssistant, path: str) -> bool:
    """Tell whether files may be written below a local folder. Blocks: file system.

    Home Assistant must allow it, and it must not be under `<config>/www`, which
    Home Assistant serves to anybody without a log-in.
    """
    if not hass.config.is_allowed_path(path):
        return False
    public = Path(hass.config.path("www")).resolve()
    return not Path(path).resolve().is_relative_to(public)
