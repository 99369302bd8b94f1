"""The sender: one file at a time to one destination, and what came of it."""

from collections.abc import Callable
import logging
import secrets

from ...storage.base import Source, StoredFile
from ...storage.errors import PermissionDenied, Rejected, StorageError
from ...storage.growing import AlreadyThere
from ...storage.names import TemporaryForm, temporary_name
from ...storage.read_back import Content, is_stored
from ...storage.wrappers.paced import CountedSource
from ..ledger import LedgerError, outcomes, places, uploads
from ..ledger.uploads import UploadJob
from ..model.destination_setup import DestinationSetup
from ..model.item import Item, Media, Role
from ..services import Services, to_the_end
from ..spool.running_downloads import DownloadGivenUp, DownloadSource
from .earlier_copies import CLOCKS, EarlierCopies

_LOGGER = logging.getLogger(__name__)

_ROUNDING = 5.0
"""Seconds by which it may be further ahead than was measured."""

_MAX_NAMES = 100
"""Names that are tried for a file where others are in the way."""


class Sender:
    """Brings files to a destination, and notes those that lie there whole.

    A file that an earlier try has brought there already, though its answer was
    lost, is not sent again.
    """

    def __init__(
        self,
        setup: DestinationSetup,
        *,
        services: Services,
        earlier: EarlierCopies,
        count: Callable[[int], None],
        clock_offset: Callable[[], float],
    ) -> None:
        """Keep what it works with; `count` is called with the bytes that are sent.

        Of items that a restored ledger may have forgotten `earlier` looks at the
        destination first. So it is of those from before the destination was added, or
        came to be where it is: an earlier one may have had the same folder. Where nothing
        can be looked at, they get new names. `clock_offset` returns our clock less
        Frigate's, in seconds.
        """
        self._setup = setup
        self._destination = setup.destination
        self._ledger = services.ledger
        self._spool = services.spool
        self._services = services
        self._earlier = earlier
        self._restored = earlier.restored
        self._count = count
        self._clock_offset = clock_offset
        self._begun: float | None = None
        """Since when what lies there under our names is known, once that was asked for."""

    async def send(self, job: UploadJob, form: TemporaryForm) -> StoredFile:
        """Bring one file there, unless it is; return what lies there, proven.

        `form` is that of the name that it has meanwhile.
        Raises StorageError, FileNotFoundError when the spool lost it, or LedgerError.
        """
        arrived = await self.settle(job.path, temporary=job.temporary, tried=job.tried)
        if arrived is not None:
            return arrived
        path = job.path
        if not self._destination.capabilities.can_read:
            if (
                job.attempts
                or job.tried
                or await self.is_taken_unseen(job.item, job.path)
            ):
                # It may lie there already, and we can't look: it gets a new name.
                path = await self._ledger.run(
                    uploads.rename_unseen, job, self._setup.id
                )
        elif await self._may_be_taken(job):
            path, stored = await self._free_path(job)
            if stored is not None:
                return stored
        try:
            return await self._put(job, path, form)
        except AlreadyThere:
            path, stored = await self._free_path(job)
            return stored or await self._put(job, path, form)

    async def follow(
        self, job: UploadJob, source: DownloadSource, form: TemporaryForm
    ) -> StoredFile:
        """Bring a file there while it is downloaded; return what lies there, proven.

        Raises DownloadGivenUp when that is not to be, StorageError or LedgerError.
        """
        if await self._may_be_taken(job) and (
            await self._destination.stat(job.path) or await self._earlier.has(job)
        ):
            raise DownloadGivenUp("Something has its name")
        return await self._put_source(job, job.path, source, form)

    async def _may_be_taken(self, job: UploadJob) -> bool:
        """Tell whether something else may have the name of a file that is to be sent.

        Also what an earlier try has made of it, where nothing may be replaced. Raises
        LedgerError.
        """
        if job.attempts:
            return not self._destination.capabilities.can_delete
        if self._earlier.may_be(job.item):
            return True
        # Another Frigate may have a camera of that name, and the same folder.
        if self._setup.render or job.item.is_range:
            return True
        return job.item.start < await self._since() + CLOCKS

    async def is_taken_unseen(self, item: Item, path: str) -> bool:
        """Tell whether a name may be taken that an item has not been sent under.

        For where nothing can be looked at: a name is new only if it holds the id of what
        began since the destination is known. Raises LedgerError.
        """
        if item.is_range or item.short_id not in path.rpartition("/")[2]:
            return True
        start = item.start
        if item.media is not Media.LIVE_SNAPSHOTS:
            start += self._clock_offset() - _ROUNDING
        return start < max(self._restored, await self._since())

    async def _since(self) -> float:
        if self._begun is None:
            self._begun = await self._ledger.run(places.begun, self._setup.id)
        return self._begun

    async def _put(self, job: UploadJob, path: str, form: TemporaryForm) -> StoredFile:
        source = self._spool.source(
            job.spool_name,
            job.content,
            is_urgent=job.item.media is not Media.RECORDINGS,
            is_part=job.role is Role.PART,
        )
        return await self._put_source(job, path, source, form)

    async def _put_source(
        self, job: UploadJob, path: str, source: Source, form: TemporaryForm
    ) -> StoredFile:
        temporary = self._destination.unprepared(
            path, source, temporary=temporary_name(path, secrets.token_hex(8), form)
        )
        await self._ledger.run(uploads.started, job.upload_id, temporary=temporary)
        prepared = await self._destination.prepare(path, source, temporary=temporary)
        if prepared != temporary:
            await self._note_prepared(job, prepared)
        if self._setup.volume_budget:
            # What a failed try has sent counts as well.
            source = CountedSource(source, self._count)
            return await self._destination.put(path, source, temporary=prepared)
        stored = await self._destination.put(path, source, temporary=prepared)
        self._count(stored.size)
        return stored

    @to_the_end
    async def _note_prepared(self, job: UploadJob, prepared: str) -> None:
        """Note what has begun at the destination, also when cancelled meanwhile.

        Nothing else knows of it: if it can't be noted, it is ended. Raises LedgerError.
        """
        try:
            await self._ledger.run(uploads.prepared, job.upload_id, temporary=prepared)
        except LedgerError:
            try:
                await self._destination.discard(prepared)
            except StorageError as refusal:
                _LOGGER.debug("What has begun stays: %s", refusal)
            raise

    async def settle(
        self, path: str, *, temporary: str | None, tried: Content | None
    ) -> StoredFile | None:
        """Return the copy that an earlier try has brought to `path`, None if none.

        What it left under its `temporary` name is removed, unless nothing is removed
        there. Raises StorageError.
        """
        found, can = None, self._destination.capabilities
        if tried is not None and can.can_read:
            found = await self._find(path, tried)
        if temporary is None:
            return found
        if not can.can_delete and can.uses_temporary:
            if found is None:
                _LOGGER.info(
                    "An upload to %s was interrupted, and what it may have left stays"
                    " there: %s",
                    self._setup.name,
                    temporary,
                )
            return found
        try:
            await self._destination.discard(temporary)
        except StorageError as err:
            # It has got its final name: who may not delete need not, either.
            is_refusal = isinstance(err, PermissionDenied) and not can.can_delete
            if found is None and not is_refusal:
                raise
        return found

    async def note_arrival(
        self, upload_id: int, stored: StoredFile, *, now: float
    ) -> None:
        """Note that a file lies at the destination, proven, also when cancelled.

        Raises LedgerError, or SpoolError when it can't be removed from the spool.
        """
        _LOGGER.debug("Uploaded %s to %s", stored.path, self._setup.name)
        await self._services.commit(
            outcomes.verified,
            upload_id,
            size=stored.size,
            now=now,
            keep_parts=not self._destination.capabilities.can_delete,
        )

    async def _find(self, path: str, content: Content) -> StoredFile | None:
        if not await is_stored(self._destination, path, content):
            return None
        return StoredFile(path=path, size=content.size)

    async def _free_path(self, job: UploadJob) -> tuple[str, StoredFile | None]:
        """Return the job's path, or another if a foreign file has it already.

        A file with the very bytes that are to be sent is no foreign one: an earlier
        ledger knew of it, as of copies that a restored one has forgotten. It is returned
        beside its path. The default names of reviews
        and objects hold Frigate's id, so that what is there is an earlier copy: one that
        may hold more, or other seconds, is kept beside the new one. Raises StorageError
        or LedgerError.
        """
        if (earlier := await self._earlier.find(job)) is not None:
            return earlier.path, earlier
        path, content, taken = job.path, job.content, set[str]()
        while (stored := await self._destination.stat(path)) is not None:
            if stored.size == content.size and (
                found := await self._find(path, content)
            ):
                return path, found
            if (
                self._setup.render is None
                and job.role is Role.WHOLE
                and not job.item.is_range
                and stored.size <= content.size
                and self._destination.capabilities.can_delete
            ):
                break
            taken.add(path)
            if len(taken) > _MAX_NAMES:
                raise Rejected(f"Every name for {job.path} is taken")
            path = await self._ledger.run(
                uploads.rename, job, self._setup.id, taken=taken
            )
        return path, None
