"""What the owner asks of the engine by name, and what is said when that is refused."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Final

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError

from .const import DOMAIN, LOGGER
from .frigate.client import FrigateClient
from .frigate.errors import FrigateError
from .sync.engine import Engine, LedgerError, SpoolError
from .sync.model.errors import Refusal, Refused
from .sync.model.status import (
    CameraDrill,
    CancelFilter,
    ExpiredCopies,
    ProtectFilter,
    Queued,
    Summary,
)
from .words import async_why

ABOUT: Final = {
    Refusal.CAMERA_DISABLED: "camera",
    Refusal.REVIEW_NOT_ENDED: "review",
    Refusal.REVIEW_NOT_FOUND: "review",
}
"""The placeholder in the text of a refusal that names what it is about, if one does."""


class OwnerRequests:
    """Queues, cancels, protects and expires; every method raises HomeAssistantError."""

    def __init__(
        self, hass: HomeAssistant, engine: Engine, client: FrigateClient
    ) -> None:
        """Keep whom to ask."""
        self._hass = hass
        self._engine = engine
        self._client = client

    async def async_upload_review(
        self, review_id: str, destination_id: str | None
    ) -> Queued:
        """Queue a review's recording for one destination, or all."""
        with _errors(self._hass):
            return await self._engine.requests.upload_review(review_id, destination_id)

    async def async_upload_range(
        self, camera: str, start: datetime, end: datetime, destination_id: str | None
    ) -> Queued:
        """Queue a camera's footage for one destination, or all."""
        with _errors(self._hass):
            return await self._engine.requests.upload_range(
                camera, start.timestamp(), end.timestamp(), destination_id
            )

    async def async_cancel_uploads(self, wanted: CancelFilter) -> int:
        """Cancel the uploads that fit; return how many."""
        with _errors(self._hass):
            return await self._engine.requests.cancel(wanted)

    async def async_protect(self, wanted: ProtectFilter, *, is_protected: bool) -> int:
        """Let retention keep these items, or no longer; return how many there are."""
        with _errors(self._hass):
            return await self._engine.retention.protect(
                wanted, is_protected=is_protected
            )

    async def async_expired(
        self, destination_id: str | None, *, limit: int, apply: bool
    ) -> Mapping[str, ExpiredCopies]:
        """Return what retention deletes by destination; with `apply` it does so now."""
        with _errors(self._hass):
            return await self._engine.retention.expired(
                destination_id, limit=limit, apply=apply
            )

    async def async_drill(self, camera: str | None) -> Sequence[CameraDrill]:
        """Take what a camera, or each, shows now the whole way; return what came of it."""
        with _errors(self._hass):
            return await self._engine.drills.run(camera)

    async def async_summary(
        self,
        start: datetime,
        end: datetime,
        *,
        camera: str | None,
        destination_id: str | None,
    ) -> Summary:
        """Return what was uploaded of the items that began in that time."""
        with _errors(self._hass):
            return await self._engine.summaries.of(
                start, end, camera=camera, destination_id=destination_id
            )

    async def async_remove_camera(self, camera: str) -> bool:
        """Forget a camera that Frigate no longer has; tell whether that was done."""
        if camera in self._engine.status.cameras:
            try:
                config = await self._client.config()
            except FrigateError as err:
                LOGGER.info("Frigate can't tell whether it has %s: %s", camera, err)
                return False
            if camera in config.cameras or not config.is_complete:
                return False
            with ledger_errors(self._hass):
                await self._engine.forget_camera(camera)
        return True


@contextmanager
def ledger_errors(hass: HomeAssistant) -> Iterator[None]:
    """Turn a failure of ledger or spool into one that the frontend shows."""
    try:
        yield
    except (LedgerError, SpoolError) as err:
        raise HomeAssistantError(
            translation_domain=DOMAIN,
            translation_key="ledger_not_usable",
            translation_placeholders={"error": async_why(hass, err)},
        ) from err


@contextmanager
def _errors(hass: HomeAssistant) -> Iterator[None]:
    """Turn what the engine raises into what the frontend shows."""
    try:
        with ledger_errors(hass):
            yield
    except Refused as err:
        raise _refusal(err) from err
    except FrigateError as err:
        raise HomeAssistantError(
            translation_domain=DOMAIN,
            translation_key="footage_not_asked",
            translation_placeholders={"error": async_why(hass, err)},
        ) from err


def _refusal(err: Refused) -> ServiceValidationError:
    """Return the text that is called as the refusal is."""
    about = ABOUT.get(err.code)
    return ServiceValidationError(
        translation_domain=DOMAIN,
        translation_key=err.code.value,
        translation_placeholders=None if about is None else {about: err.about},
    )
