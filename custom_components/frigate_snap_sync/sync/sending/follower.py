"""Sending a file to one destination while Frigate still gives the rest of it."""

from collections.abc import Collection
import logging

from ...storage.base import StoredFile
from ...storage.names import TemporaryForm
from ..ledger import uploads
from ..ledger.uploads import UploadJob
from ..model.destination_setup import DestinationSetup
from ..model.item import Role
from ..services import Services
from ..spool.running_downloads import DownloadGivenUp, DownloadSource
from .queue import UploadQueue
from .sender import Sender

_LOGGER = logging.getLogger(__name__)


class Follower:
    """Follows a download. When that is not to be, the file is sent once it is there."""

    def __init__(
        self,
        setup: DestinationSetup,
        *,
        services: Services,
        queue: UploadQueue,
        sender: Sender,
    ) -> None:
        """Keep what it works with."""
        self._id = setup.id
        self._ledger = services.ledger
        self._downloads = services.downloads
        self._patience = services.timing.follow_patience
        self._queue = queue
        self._sender = sender

    async def send(
        self, job: UploadJob, form: TemporaryForm, in_flight: Collection[int]
    ) -> StoredFile:
        """Bring a file there; return what lies there, proven.

        Raises DownloadGivenUp, StorageError or LedgerError.
        """
        download = self._downloads.get(job.file_id)
        if download is None:
            raise DownloadGivenUp("The download is over")
        source = DownloadSource(
            download,
            self._id,
            patience=self._patience,
            others_wait=lambda: self._queue.others_wait(job, in_flight),
            is_part=job.role is Role.PART,
        )
        return await self._sender.follow(job, source, form)

    async def note_given_up(self, job: UploadJob, error: DownloadGivenUp) -> None:
        """Note that a file is to be sent as others are. Raises LedgerError."""
        _LOGGER.debug("%s is sent once it is downloaded: %s", job.path, error)
        await self._ledger.run(uploads.given_up, job.upload_id)
