"""The intake: turns what Frigate says into items, in the order it was said."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
import hashlib
import logging
import re
import time

from ..frigate.client import FrigateClient
from ..frigate.errors import MalformedMessage, MediaBroken
from ..frigate.media import check_jpeg
from ..frigate.messages import (
    Availability,
    CameraActivity,
    CameraSwitch,
    LiveSnapshotMessage,
    Message,
    MessageKind,
    ObjectMessage,
    ReviewMessage,
    parse,
)
from ..frigate.models import Review, TrackedObject
from .frigate_watch import FrigateWatch
from .inbox import Inbox, Letter
from .items import Item, UploadState, live_snapshot_item, recording_item, snapshot_item
from .ledger import (
    Ledger,
    LedgerError,
    LedgerRefusal,
    counters,
    files as ledger_files,
    items as ledger_items,
    outcomes as ledger_outcomes,
)
from .ledger.items import FilePlan, FileState, UploadPlan
from .planner import Planner
from .policy import Bounds, bounds_of, ended, merge
from .room import Room
from .spool import Spool, SpoolError
from .status import UploadEvent
from .trouble import Complaints, Trouble

_LOGGER = logging.getLogger(__name__)

_PAUSE = 5.0
_MAX_CAMERAS = 100
# Frigate's own rule for the names of cameras.
_CAMERA_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")


class Intake:
    """Works through the messages of the inbox, one by one.

    `on_ready` is called with the destinations that have new uploads waiting in
    the spool, `on_wanted` when there is something to fetch, `on_running` when
    something was told of a review that goes on, `on_upload` when an item ended
    without a file, `on_change` when something shown
    has changed.
    """

    def __init__(
        self,
        *,
        inbox: Inbox,
        topic_prefix: str,
        client: FrigateClient,
        ledger: Ledger,
        spool: Spool,
        room: Room,
        watch: FrigateWatch,
        planner: Planner,
        on_ready: Callable[[Iterable[str]], None],
        on_wanted: Callable[[], None],
        on_running: Callable[[], None],
        on_upload: Callable[[UploadEvent], None],
        on_change: Callable[[], None],
    ) -> None:
        """Keep what it works with; messages wait until `run`."""
        self._inbox = inbox
        self._topic_prefix = topic_prefix
        self._client = client
        self._ledger = ledger
        self._spool = spool
        self._room = room
        self._watch = watch
        self._planner = planner
        self._on_ready = on_ready
        self._on_wanted = on_wanted
        self._on_running = on_running
        self._on_upload = on_upload
        self._on_change = on_change
        self._complaints = Complaints(_LOGGER)
        self._trouble = Trouble(_LOGGER, "Keeping Frigate's messages")
        self._working = asyncio.Lock()
        self._cameras: set[str] = set()

    async def run(self) -> None:
        """Work through the messages until cancelled."""
        while True:
            await self._work(await self._inbox.first())

    async def _work(self, letter: Letter) -> None:
        """Take one message; it stays queued until it is kept or known to be useless."""
        try:
            message = parse(
                self._topic_prefix, letter.topic, letter.payload, retain=letter.retain
            )
            if message is not None:
                await self._take(message, letter.received)
                if not letter.retain:
                    await self._see(message)
        except (MalformedMessage, MediaBroken, LedgerRefusal) as err:
            self._complaints.report("Message ignored", f"{letter.topic[:200]!r}: {err}")
        except (LedgerError, SpoolError) as err:
            self._trouble.report(err)
            await asyncio.sleep(_PAUSE)
            return
        except Exception:
            _LOGGER.exception(
                "A message on %s could not be handled", letter.topic[:200]
            )
        else:
            self._trouble.over()
        self._inbox.remove(letter)

    async def _take(self, message: Message, received: float) -> None:
        match message:
            case LiveSnapshotMessage(retained=False):
                await self._take_live_snapshot(message, received)
            case ReviewMessage():
                await self.take_review(
                    message.review,
                    has_ended=message.kind is MessageKind.END,
                    told=received,
                )
            case ObjectMessage(kind=MessageKind.END):
                await self.take_object(message.object, told=received)
            case CameraSwitch():
                await self._take_switch(message)
            case Availability():
                self._watch.set_available(message.online)
            case CameraActivity():
                self._watch.set_activity(message.cameras)
                await self.settle_held()

    async def _take_live_snapshot(
        self, message: LiveSnapshotMessage, received: float
    ) -> None:
        is_on = self._watch.is_on(message.camera, "snapshots")
        if is_on is False:
            return
        digest = await asyncio.to_thread(_checked_digest, message.image)
        item = live_snapshot_item(
            message.camera, message.label, digest, received=received
        )
        if await self._ledger.run(ledger_items.is_known, item):
            return
        skip = await self._was_off(received)
        if skip:
            await self._skip(item)
            return
        uploads = self._planner.uploads(item)
        if not uploads:
            return
        await self._room.make(for_file=None, rank=item.rank(), size=len(message.image))
        file = await self._spool.store(message.image, item.media.extension)
        plan = FilePlan(
            state=FileState.SPOOLED if is_on else FileState.HELD,
            uploads=uploads,
            spool_name=file.name,
            size=file.size,
            sha256=file.sha256,
        )
        try:
            await self._plan(item, [plan])
        except LedgerError:
            await self._spool.remove([file.name])
            raise
        if is_on:
            self._on_ready(upload.destination_id for upload in uploads)
        else:
            self._watch.refresh_gently()
            if self._watch.is_on(message.camera, "snapshots") is not None:
                # Whoever answered meanwhile did not know of it yet.
                await self.settle_held()
        if not await self._ledger.run(ledger_files.is_spooled, file.name):
            # It has arrived, or all who wanted it were removed while it was written.
            await self._spool.remove([file.name])

    async def take_object(
        self,
        tracked: TrackedObject,
        *,
        told: float,
        only: Collection[str] | None = None,
    ) -> bool:
        """Plan the snapshot of a tracked object that has ended.

        With `only`, these destinations alone get it. Returns whether there was
        anything to plan.
        """
        if not tracked.has_snapshot or tracked.false_positive:
            return False
        item = snapshot_item(tracked, told=told)
        if await self._was_off(self._local(item.start)):
            await self._skip(item)
        elif uploads := self._planner.uploads(item, only=only):
            plan = FilePlan(state=FileState.WANTED, uploads=uploads, due=told)
            return await self._plan(item, [plan])
        return False

    async def take_review(
        self,
        review: Review,
        *,
        has_ended: bool,
        told: float,
        only: Collection[str] | None = None,
    ) -> bool:
        """Keep what was said of a review; plan its recording when it has ended.

        With `only`, these destinations alone get it. Returns whether it was news.
        """
        if only is not None and not only:
            return False
        async with self._working:
            known = await self._ledger.run(ledger_items.review, review.id)
            if known is not None and not known[1]:
                return False
            item = merge(known[0] if known else None, recording_item(review, told=told))
            if not has_ended:
                await self._ledger.run(ledger_items.remember_open, item)
                self._on_running()
                return known is None
            now = time.time() - self._client.clock_offset
            item = ended(replace(item, told=told), now=now)
            bounds = await self._bounds(item)
            if bounds is None:
                await self._skip(item)
                return False
            await self._ledger.run(counters.keep_moment, counters.LAST_REVIEW, told)
            files = self._planner.recording(
                item,
                known=await self._ledger.run(ledger_items.progress, review.id),
                bounds=bounds,
                clock_offset=self._client.clock_offset,
                only=only,
            )
            return await self._plan(item, files)

    async def plan_running(self, item: Item) -> float | None:
        """Plan the parts and pieces of a review that goes on, as far as it is.

        Returns when there will be more, by our clock; None if nobody wants it.
        """
        async with self._working:
            bounds = await self._bounds(item)
            if bounds is None:
                return None
            files, again = self._planner.running(
                item,
                known=await self._ledger.run(ledger_items.progress, item.source_id),
                bounds=bounds,
                clock_offset=self._client.clock_offset,
            )
            if files:
                await self._ledger.run(ledger_items.add_files, item, files)
                self._on_wanted()
                self._on_change()
            return again

    async def end_lost_review(self, item: Item) -> None:
        """End an open review that Frigate no longer knows."""
        reason = "Frigate has no such review any more"
        async with self._working:
            for upload in await self._end(item, UploadState.GONE, reason):
                self._on_upload(
                    ledger_outcomes.event(
                        item, upload.destination_id, upload.path, reason=reason
                    )
                )

    async def settle_held(self, cameras: Collection[str] | None = None) -> None:
        """Send or skip the held live snapshots of cameras whose switch is known now.

        `cameras` are all that Frigate has, if that is known: what came for
        another one is skipped.
        """
        for camera in await self._ledger.run(ledger_files.held_cameras):
            is_on = self._watch.is_on(camera, "snapshots")
            if is_on:
                self._on_ready(await self._ledger.run(ledger_files.let_go, camera))
                continue
            if is_on is False:
                reason = "Snapshots were switched off in Frigate"
            elif cameras is not None and camera not in cameras:
                reason = "Frigate has no such camera"
            else:
                continue
            freed = await self._ledger.run(
                ledger_files.skip_held, camera, reason, now=time.time()
            )
            await self._spool.remove(freed)
            self._on_change()

    async def _take_switch(self, message: CameraSwitch) -> None:
        if message.on is None:
            return  # Unreadable: what was known stays.
        self._watch.set_switch(message.camera, message.switch, message.on)
        if message.switch == "snapshots":
            await self.settle_held()

    async def _plan(self, item: Item, files: Sequence[FilePlan]) -> bool:
        """Commit an item; return whether it is new and has files."""
        is_new = await self._ledger.run(ledger_items.plan, item, tuple(files))
        if is_new:
            _LOGGER.debug(
                "Planned the %s %s of %s: %d file(s)",
                item.media.kind,
                item.source_id,
                item.camera,
                len(files),
            )
            if any(file.state is FileState.WANTED for file in files):
                self._on_wanted()
            self._on_change()
        return is_new and bool(files)

    async def _skip(self, item: Item) -> None:
        await self._end(item, UploadState.SKIPPED, "Uploads were switched off")

    async def _end(
        self, item: Item, state: UploadState, reason: str
    ) -> tuple[UploadPlan, ...]:
        """Keep an item that nothing is done about; return who would have got it."""
        uploads = self._planner.uploads(item, state=state, reason=reason)
        if not uploads:
            await self._plan(item, ())
            return ()
        # Behind the half hours of a review that was lost after them.
        known = await self._ledger.run(ledger_items.progress, item.source_id)
        number = known.pieces + 1
        file = FilePlan(
            state=FileState.RELEASED,
            uploads=uploads,
            number=number,
            suffix=f"{number:02}" if number > 1 else "",
        )
        return uploads if await self._plan(item, [file]) else ()

    async def _see(self, message: Message) -> None:
        """Show a camera at the first word of it that is no replay of an old one."""
        match message:
            case LiveSnapshotMessage() | CameraSwitch():
                camera = message.camera
            case ReviewMessage():
                camera = message.review.camera
            case _:
                return
        if (
            camera not in self._cameras
            and len(self._cameras) < _MAX_CAMERAS
            and _CAMERA_NAME.fullmatch(camera)
        ):
            await self._ledger.run(counters.see_camera, camera)
            self._cameras.add(camera)
            self._watch.refresh()
            self._on_change()

    async def _was_off(self, moment: float) -> bool:
        return await self._ledger.run(counters.was_off, moment)

    async def _bounds(self, item: Item) -> Bounds | None:
        """Return the time around an item's start in which uploads were on, if any."""
        return bounds_of(
            await self._ledger.run(counters.on_around, self._local(item.start)),
            clock_offset=self._client.clock_offset,
        )

    def forget(self, camera: str) -> None:
        """Show a camera anew when it is heard of."""
        self._cameras.discard(camera)

    def _local(self, moment: float) -> float:
        """Return a moment of Frigate's clock in ours."""
        return moment + self._client.clock_offset


def _checked_digest(image: bytes) -> str:
    check_jpeg(image)
    return hashlib.sha256(image).hexdigest()
