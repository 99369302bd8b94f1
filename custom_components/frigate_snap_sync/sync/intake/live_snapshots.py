"""Live snapshots: the images that Frigate publishes over MQTT."""

import asyncio
from collections.abc import Collection
from datetime import UTC, datetime
import hashlib
import logging
import time

from ...frigate.media import check_jpeg
from ...frigate.messages import LiveSnapshotMessage
from ...frigate.models import FrigateConfig
from ..ledger import LedgerError, cameras, items as ledger_items, spooled_files
from ..model.errors import SpoolError
from ..model.item import live_snapshot_item
from ..model.openings import ONLY_WHILE, wanted
from ..model.plans import FilePlan, FileState
from ..model.status import Picture
from ..monitoring.frigate_monitor import FrigateMonitor
from ..planning.planner import Planner
from ..planning.registry import ItemRegistry
from ..services import Services
from ..spool.eviction import SpoolSpace

_LOGGER = logging.getLogger(__name__)

_STRANGER = "Frigate has no such camera"


class LiveSnapshots:
    """Keeps images, which exist nowhere else, until every destination has them."""

    def __init__(
        self,
        *,
        services: Services,
        space: SpoolSpace,
        monitor: FrigateMonitor,
        planner: Planner,
        registry: ItemRegistry,
    ) -> None:
        """Keep what it works with."""
        self._ledger = services.ledger
        self._services = services
        self._spool = services.spool
        self._signals = services.signals
        self._space = space
        self._monitor = monitor
        self._planner = planner
        self._registry = registry

    async def take(self, message: LiveSnapshotMessage, *, received: float) -> None:
        """Keep an image; while its camera's switch is unknown it is held.

        `received` is our clock's time. Raises MediaBroken, LedgerError or SpoolError.
        """
        is_on = self._monitor.is_on(message.camera, "snapshots")
        if is_on is False:
            return
        digest = await asyncio.to_thread(_checked_digest, message.image)
        item = live_snapshot_item(
            message.camera,
            message.label,
            digest,
            received=received,
            mark=message.mark,
        )
        if await self._ledger.run(ledger_items.is_known, item):
            return
        if await self._registry.was_off(received):
            await self._registry.skip_as_off(item)
            return
        if self._monitor.is_stranger(message.camera):
            await self._registry.skip(item, _STRANGER)
            return
        openings = await self._registry.openings(item)
        is_on = self._monitor.is_on(message.camera, "snapshots")
        uploads = self._planner.uploads(item, openings=openings)
        if not wanted(uploads):
            if uploads:
                await self._registry.skip(item, ONLY_WHILE)
            return
        await self._space.make(for_file=None, rank=item.rank(), size=len(message.image))
        file = await self._spool.store(message.image, item.media.extension)
        plan = FilePlan(
            state=FileState.SPOOLED if is_on else FileState.HELD,
            uploads=uploads,
            spool_name=file.name,
            size=file.size,
            sha256=file.sha256,
        )
        try:
            await self._registry.plan(item, [plan])
        except LedgerError:
            await self._spool.remove([file.name])
            raise
        if is_on:
            self._signals.files_ready(
                [upload.destination_id for upload in wanted(uploads)]
            )
            moment = datetime.fromtimestamp(received, UTC)
            self._signals.pictured(
                Picture(camera=item.camera, image=message.image, moment=moment)
            )
        else:
            self._monitor.refresh_gently()
            if self._monitor.is_on(message.camera, "snapshots") is not None:
                # Whoever answered meanwhile did not know of it yet.
                await self.settle_held()
        if not await self._ledger.run(spooled_files.is_spooled, file.name):
            # It has arrived, or all who wanted it were removed while it was written.
            await self._spool.remove([file.name])

    async def take_config(self, config: FrigateConfig) -> None:
        """Keep which cameras Frigate has, and settle what was held until that was known."""
        if config.safe_mode:
            return  # It then lists no cameras, or not all.
        try:
            await self._ledger.run(
                cameras.see_config,
                tuple(config.cameras),
                now=time.time(),
                absence=self._services.timing.camera_absence,
            )
            await self.settle_held(config.cameras)
        except (LedgerError, SpoolError) as err:
            _LOGGER.error("Frigate's configuration can't be kept: %s", err)

    async def settle_held(self, cameras: Collection[str] | None = None) -> None:
        """Send or skip the held live snapshots of cameras whose switch is known now.

        `cameras` are all that Frigate has, if that is known: what came for
        another one is skipped. Raises LedgerError or SpoolError.
        """
        for camera in await self._ledger.run(spooled_files.held_cameras):
            is_on = self._monitor.is_on(camera, "snapshots")
            if is_on:
                self._signals.files_ready(
                    await self._ledger.run(spooled_files.release_held, camera)
                )
                continue
            if is_on is False:
                reason = "Snapshots were switched off in Frigate"
            elif cameras is not None and camera not in cameras:
                reason = _STRANGER
            else:
                continue
            await self._services.commit(
                spooled_files.skip_held, camera, reason, now=time.time()
            )
            self._signals.status_changed()


def _checked_digest(image: bytes) -> str:
    check_jpeg(image)
    return hashlib.sha256(image).hexdigest()
