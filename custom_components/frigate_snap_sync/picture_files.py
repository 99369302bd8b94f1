"""The file that keeps a camera's newest picture over a restart."""

from datetime import UTC, datetime
import hashlib
import os
from pathlib import Path

from homeassistant.core import HomeAssistant, callback

from .const import DOMAIN, LOGGER
from .private_files import make_private, make_private_folder, private_opener

FOLDER_SUFFIX = ".pictures"
"""Behind the name of the spool's folder, with which it is removed."""


def picture_path(cache: Path, entry_id: str, camera: str) -> Path:
    """Return where a camera's picture is kept, whatever the camera is called."""
    name = hashlib.sha256(camera.encode("utf-8", "surrogatepass")).hexdigest()[:24]
    return cache / DOMAIN / f"{entry_id}{FOLDER_SUFFIX}" / f"{name}.jpg"


class PictureFile:
    """Keeps one picture; the file's time of change is that of the picture.

    Only the newest counts, so that none waits for a disk behind others, and nothing is
    flushed: after a power cut an older one, or none, is shown.
    """

    def __init__(self, hass: HomeAssistant, path: Path) -> None:
        """Touch nothing yet."""
        self._hass = hass
        self._path = path
        self._newest: tuple[bytes, datetime] | None = None
        self._is_saving = False

    async def async_load(self) -> tuple[bytes, datetime] | None:
        """Return what was kept; None if nothing was, or it can't be read."""
        return await self._hass.async_add_executor_job(self._load)

    @callback
    def async_save(self, image: bytes, moment: datetime) -> None:
        """Keep a picture soon, instead of the one before."""
        self._newest = image, moment
        if not self._is_saving:
            self._is_saving = True
            self._hass.async_create_background_task(
                self._async_save_newest(), f"{DOMAIN} picture"
            )

    async def async_remove(self) -> None:
        """Forget what was kept."""
        self._newest = None
        await self._hass.async_add_executor_job(self._remove)

    async def _async_save_newest(self) -> None:
        try:
            while (newest := self._newest) is not None:
                self._newest = None
                await self._hass.async_add_executor_job(self._save, *newest)
        finally:
            self._is_saving = False

    def _load(self) -> tuple[bytes, datetime] | None:
        try:
            image = self._path.read_bytes()
            moment = datetime.fromtimestamp(self._path.stat().st_mtime, UTC)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, OverflowError) as err:
            LOGGER.info("The last picture of a camera can't be read: %s", err)
            return None
        return (image, moment) if image else None

    def _save(self, image: bytes, moment: datetime) -> None:
        temporary = self._path.with_suffix(".tmp")
        seconds = moment.timestamp()
        try:
            make_private_folder(self._path.parent)
            with open(temporary, "wb", opener=private_opener) as file:
                # One that a crash has left is still as it was made.
                make_private(temporary)
                file.write(image)
            os.utime(temporary, (seconds, seconds))
            temporary.replace(self._path)
        except OSError as err:
            # It is shown all the same, and a full disk is reported elsewhere.
            LOGGER.debug("The last picture of a camera can't be kept: %s", err)

    def _remove(self) -> None:
        try:
            self._path.unlink(missing_ok=True)
        except OSError as err:
            LOGGER.info("The last picture of a camera can't be removed: %s", err)
