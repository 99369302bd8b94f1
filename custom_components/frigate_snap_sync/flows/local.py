"""The flow of a folder of this machine."""

import os
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar, override

import voluptuous as vol

from homeassistant.config_entries import SubentryFlowResult
from homeassistant.const import CONF_PATH
from homeassistant.helpers.selector import TextSelector

from ..const import CONF_MOUNT_POINT, SUBENTRY_LOCAL
from ..destinations import is_allowed_folder
from ..storage.base import PathNotAbsolute, PathNotAllowed, StorageError
from ..storage.local import find_mount_point
from .destination import DestinationFlow


class LocalFlow(DestinationFlow):
    """Add a folder, a mounted network share among them, or change one."""

    kind: ClassVar[str] = SUBENTRY_LOCAL

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
            data = {
                CONF_PATH: path,
                CONF_MOUNT_POINT: await self._async_mount_point(path),
            }
            await self._async_test(data)
        except StorageError as err:
            return self._show_failure(err)
        return self._save(data, unique_id)

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
        if path == self._stored.get(CONF_PATH):
            known: str = self._stored[CONF_MOUNT_POINT]
            if PurePosixPath(known).is_relative_to(mount_point):
                return known
        return mount_point
