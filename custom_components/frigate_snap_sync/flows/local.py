"""The flow of a folder of this machine."""

import os
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar, override

import voluptuous as vol

from homeassistant.config_entries import SubentryFlowResult
from homeassistant.const import CONF_PATH
from homeassistant.helpers.selector import TextSelector

from ..const import CONF_MOUNT_POINT, SUBENTRY_LOCAL
from ..kinds import is_allowed_folder
from ..markdown import as_code
from ..storage.errors import PathNotAbsolute, PathNotAllowed, StorageError
from ..storage.local.destination import find_disk_without_share, find_mount_point
from ..storage.local.mounts import Disk, Mounts
from .destination import DestinationFlow


class LocalFlow(DestinationFlow):
    """Add a folder, a mounted network share among them, or change one."""

    kind: ClassVar[str] = SUBENTRY_LOCAL
    mounts: ClassVar[Mounts] = Mounts()

    def __init__(self) -> None:
        """Begin with nothing agreed upon."""
        super().__init__()
        self._asked: dict[str, Any] = {}
        self._agreed: dict[str, Any] = {}

    @override
    def _fields(self) -> dict[vol.Marker, Any]:
        return {vol.Required(CONF_PATH): TextSelector()}

    @override
    async def _async_plain_mistakes(self) -> dict[str, str]:
        errors = await super()._async_plain_mistakes()
        path = self._typed[CONF_PATH].strip()
        if not PurePosixPath(path).is_absolute():
            errors[CONF_PATH] = PathNotAbsolute.code
        elif not await self.hass.async_add_executor_job(
            is_allowed_folder, self.hass, path
        ):
            errors[CONF_PATH] = PathNotAllowed.code
        return errors

    @override
    async def _async_submitted(self) -> SubentryFlowResult:
        path = os.path.normpath(self._typed[CONF_PATH].strip())
        unique_id = f"{SUBENTRY_LOCAL}:{path}"
        if (abort := self._abort_if_known(unique_id)) is not None:
            return abort
        try:
            mount_point = await self._async_mount_point(path)
            data = {CONF_PATH: path, CONF_MOUNT_POINT: mount_point}
            if not self._is_agreed(data):
                disk = await find_disk_without_share(
                    Path(path), mount_point, mounts=self.mounts
                )
                if disk is not None:
                    self._asked = data
                    return self._show_disk(disk)
            tested = await self._async_test(data)
        except StorageError as err:
            return self._show_failure(err)
        return self._save(tested, unique_id)

    async def async_step_disk(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Take it that the files shall lie on the disk that was shown.

        A share that was mounted since is another place.
        """
        if user_input is not None:
            self._agreed = self._asked
        return await self._async_submitted()

    def _is_agreed(self, data: dict[str, Any]) -> bool:
        """Tell whether the owner wants the files on just this disk, as is known."""
        stored = {key: self._stored.get(key) for key in data}
        return data in (self._agreed, stored)

    def _show_disk(self, disk: Disk) -> SubentryFlowResult:
        return self.async_show_form(
            step_id="disk",
            data_schema=vol.Schema({}),
            description_placeholders={
                "path": as_code(self._asked[CONF_PATH]),
                "mount_point": as_code(disk.mount_point),
                "device": as_code(disk.device or "?"),
                "free": _gigabytes(disk.free),
                "total": _gigabytes(disk.total),
            },
        )

    @override
    def _error(self, err: StorageError) -> tuple[str, str]:
        _, error = super()._error(err)
        return CONF_PATH, error

    async def _async_mount_point(self, path: str) -> str:
        """Return the mount point to remember for the path.

        The same folder as before keeps its own, so that a share that is away
        right now is noticed, unless something was mounted nearer to it since.
        """
        mount_point = await find_mount_point(Path(path))
        known = self._stored.get(CONF_MOUNT_POINT)
        if known and path == self._stored.get(CONF_PATH):
            if PurePosixPath(known).is_relative_to(mount_point):
                return str(known)
        return mount_point


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:.1f} GB"
