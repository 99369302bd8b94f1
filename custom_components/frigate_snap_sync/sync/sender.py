"""The sender: one file at a time to one destination, and what came of it."""

from collections.abc import Callable
import logging
import secrets

from ..storage.base import (
    Rejected,
    Source,
    SourceDamaged,
    SourceUnreadable,
    StorageError,
    StoredFile,
)
from ..storage.check import verify_checksum
from ..storage.names import TemporaryForm, temporary_name
from ..storage.read_back import Content, is_stored
from ..storage.source import verify
from .destination import DestinationSetup
from .items import Item, Rank, Role
from .ledger import Ledger, outcomes, uploads
from .ledger.uploads import UploadJob
from .spool import Spool
from .status import UploadEvent

_LOGGER = logging.getLogger(__name__)

_MAX_NAMES = 100
"""Names that are tried for a file where others are in the way."""


class Sender:
    """Brings files to a destination, and notes those that lie there whole.

    A file that an earlier try has brought there already, though its answer was
    lost, is not sent again. `on_upload` is called when an item arrived.
    """

    def __init__(
        self,
        setup: DestinationSetup,
        *,
        ledger: Ledger,
        spool: Spool,
        on_upload: Callable[[UploadEvent], None],
    ) -> None:
        """Keep what it works with."""
        self._setup = setup
        self._destination = setup.destination
        self._ledger = ledger
        self._spool = spool
        self._on_upload = on_upload

    async def send(self, job: UploadJob, form: TemporaryForm) -> StoredFile:
        """Bring one file there, unless it is; return what lies there, proven.

        `form` is that of the name that it has meanwhile.
        Raises StorageError, FileNotFoundError when the spool lost it, or LedgerError.
        """
        arrived = await self.settle(job.path, temporary=job.temporary, tried=job.tried)
        if arrived is not None:
            return arrived
        content = Content(size=job.size, sha256=job.sha256)
        path = job.path
        if self._setup.render is not None and not job.attempts:
            path, stored = await self._free_path(job, content)
            if stored is not None:
                return stored
        temporary = temporary_name(path, secrets.token_hex(8), form)
        await self._ledger.run(uploads.started, job.upload_id, temporary=temporary)
        stored = await self._destination.put(
            path, self._source(job), temporary=temporary
        )
        if self._setup.verify_checksum:
            await verify_checksum(self._destination, path, job.sha256, size=job.size)
        return stored

    async def is_lost(self, job: UploadJob) -> bool:
        """Tell whether the spool no longer has a file that could not be sent.

        It is read once more. What exists nowhere else is not given up while the
        disk just can't read it.
        """
        try:
            await verify(self._source(job))
        except FileNotFoundError, SourceDamaged:
            return True
        except SourceUnreadable:
            return job.rank is not Rank.LIVE_SNAPSHOT
        return False

    def _source(self, job: UploadJob) -> Source:
        return Source(
            path=self._spool.path(job.spool_name), size=job.size, sha256=job.sha256
        )

    async def settle(
        self, path: str, *, temporary: str | None, tried: Content | None
    ) -> StoredFile | None:
        """Return the copy that an earlier try has brought to `path`, None if none.

        What it left under its `temporary` name is removed. Raises StorageError.
        """
        if temporary is None:
            return None
        found = None if tried is None else await self._find(path, tried)
        try:
            await self._destination.delete(temporary)
        except StorageError:
            # It has got its final name: who may not delete need not, either.
            if found is None:
                raise
        return found

    async def note_arrival(
        self,
        upload_id: int,
        stored: StoredFile,
        *,
        item: Item,
        role: Role,
        now: float,
    ) -> None:
        """Note that a file lies at the destination, proven. Raises LedgerError.

        Raises SpoolError when it can't be removed from the spool.
        """
        freed = await self._ledger.run(
            outcomes.verified, upload_id, size=stored.size, now=now
        )
        _LOGGER.debug("Uploaded %s to %s", stored.path, self._setup.name)
        if role is not Role.PART:
            is_whole = role is Role.WHOLE
            reason = None if is_whole else "Frigate gives only some of it"
            self._on_upload(
                outcomes.event(
                    item, self._setup.id, stored.path, size=stored.size, reason=reason
                )
            )
        await self._spool.remove(freed)

    async def _find(self, path: str, content: Content) -> StoredFile | None:
        if not await is_stored(self._destination, path, content):
            return None
        return StoredFile(path=path, size=content.size)

    async def _free_path(
        self, job: UploadJob, content: Content
    ) -> tuple[str, StoredFile | None]:
        """Return the job's path, or another if a foreign file has it already.

        The default names hold Frigate's id, so only a template can meet one. A file
        with the very bytes that are to be sent is no foreign one: an earlier ledger
        knew of it. It is returned beside its path.
        Raises StorageError or LedgerError.
        """
        path, taken = job.path, set[str]()
        while (stored := await self._destination.stat(path)) is not None:
            if stored.size == content.size and (
                found := await self._find(path, content)
            ):
                return path, found
            taken.add(path)
            if len(taken) > _MAX_NAMES:
                raise Rejected(f"Every name for {job.path} is taken")
            path = await self._ledger.run(
                uploads.rename, job, self._setup.id, taken=taken
            )
        return path, None
