"""A WebDAV server as a destination."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager, contextmanager
from copy import copy
import posixpath
from typing import Final, override

from ..base import Capabilities, Destination, Source, StoredFile, path_segments
from ..errors import AuthFailed, NotWebdav, Rejected, StorageError
from ..http.address import where
from ..http.limits import HttpLimits
from ..http.requests import OpenSession, Requests
from ..reservations import Reservations
from .client import DavClient
from .files import DavFiles
from .folders import DavFolders
from .login import Login
from .moves import Moves, Segments
from .removal import remove_empty
from .settings import FORM_FIELD, Addresses, DestinationForm, WebdavSettings
from .upload import Upload

MAX_PUTS: Final = 10
"""Files that are sent at once, each over a connection of its own."""

CANCEL_TIMEOUT: Final = 0.8
"""Seconds that cleaning up may hold up a failed `put` or `close`.

Behind a `put` it continues by itself."""


class WebdavDestination(Destination):
    """A folder on a WebDAV server. The folder is made if it is missing.

    `open_session` makes a session of Home Assistant's, which verifies certificates or
    not. `may_replace` tells by its path whether a file may take the place of one that
    comes there while it is sent. Raises ValueError when the address is none.
    """

    def __init__(
        self,
        settings: WebdavSettings,
        open_session: OpenSession,
        *,
        limits: HttpLimits | None = None,
        may_replace: Callable[[str], bool] = lambda path: True,
    ) -> None:
        """Connect on first use."""
        self._may_replace = may_replace
        base = settings.base
        self._requests = Requests(open_session, where=where(base))
        self._login = Login(settings.username, settings.password)
        client = DavClient(self._requests, self._login, limits or HttpLimits())
        self._files = DavFiles(client, Addresses(base, settings.folders))
        self._folders = DavFolders(self._files)
        self._moves = Moves(self._files, settings.form)
        self._puts = asyncio.Semaphore(MAX_PUTS)
        self._staged = Reservations[Segments]()
        self._used: Counter[Segments] = Counter()
        """Folders that something is put into right now, with those above them."""
        self._removals: dict[Segments, asyncio.Future[None]] = {}
        self._cleaning: set[asyncio.Task[None]] = set()
        self._removing_now: set[asyncio.Task[None]] = set()
        self._finding = asyncio.Lock()
        self._is_found = False
        self._failure: StorageError | None = None
        self._attempts = 0

    @property
    @override
    def capabilities(self) -> Capabilities:
        return Capabilities(max_concurrent=MAX_PUTS)

    @property
    @override
    def findings(self) -> Mapping[str, str]:
        if self._moves.form is DestinationForm.ABSOLUTE:
            return {}
        return {FORM_FIELD: self._moves.form.value}

    @override
    async def connect(self) -> None:
        self._is_found = False
        await self._ready()

    @override
    async def close(self) -> None:
        if removals := set(self._removing_now):
            await asyncio.wait(removals, timeout=CANCEL_TIMEOUT)
            for removal in removals:
                removal.cancel()
        self._requests.close()
        self._login.forget()
        self._folders.forget()
        self._is_found = False
        if cleaning := set(self._cleaning):
            # What stays is known by its name to who called `put`.
            for task in cleaning:
                task.cancel()
            await asyncio.wait(cleaning, timeout=CANCEL_TIMEOUT)
            self._requests.close()

    @override
    async def put(self, path: str, source: Source, *, temporary: str) -> StoredFile:
        if posixpath.dirname(path) != posixpath.dirname(temporary) or path == temporary:
            raise Rejected(f"{temporary!r} is no temporary name for {path!r}")
        target, staged = path_segments(path), path_segments(temporary)
        async with (
            self._puts,
            self._staged.reserved(staged) as cleaning,
            self._using(target),
        ):
            await self._ready()
            upload = Upload(
                self._files,
                self._folders,
                self._moves,
                target,
                staged,
                replaces=self._may_replace(path),
            )
            try:
                with self._logged_in():
                    await upload.run(source)
            except BaseException as err:
                discard = asyncio.create_task(upload.discard())
                self._cleaning.add(discard)
                discard.add_done_callback(self._cleaning.discard)
                cleaning.append(discard)
                await asyncio.wait({discard}, timeout=CANCEL_TIMEOUT)
                if isinstance(err, StorageError):
                    err.step = err.step or upload.step
                raise
            return StoredFile(path=path, size=upload.size)

    @override
    async def put_at_once(
        self, path: str, source: Source, *, temporary: str
    ) -> StoredFile:
        target = path_segments(path)
        async with (
            self._puts,
            self._staged.reserved(target),
            self._using(target),
        ):
            await self._ready()
            upload = Upload(self._files, self._folders, self._moves, target, target)
            try:
                with self._logged_in():
                    await upload.run_at_once(source)
            except StorageError as err:
                err.step = err.step or upload.step
                raise
            return StoredFile(path=path, size=upload.size)

    @override
    async def stat(self, path: str) -> StoredFile | None:
        segments = path_segments(path)
        await self._ready()
        with self._logged_in():
            size = await self._files.size(*segments)
        return None if size is None else StoredFile(path=path, size=size)

    @override
    async def delete(self, path: str) -> None:
        segments = path_segments(path)
        await self._ready()
        with self._logged_in():
            # A folder would go with all that is in it.
            found = await self._files.find(*segments)
            if found is None:
                return
            if found.is_folder:
                raise Rejected(f"{path} is a folder")
            await self._files.remove(*segments)

    @override
    async def make_folder(self, path: str) -> bool:
        segments = path_segments(path)
        await self._ready()
        with self._logged_in():
            return await self._folders.make_one(segments)

    @override
    async def remove_folder(self, path: str) -> None:
        segments = path_segments(path)
        await self._ready()
        # A task of its own: it is not left half-way by a cancellation.
        removal = asyncio.create_task(self._remove_folder(segments))
        self._removing_now.add(removal)
        removal.add_done_callback(self._removed)
        await asyncio.wait({removal})
        removal.result()

    @override
    async def list_files(self, path: str = "") -> AsyncGenerator[StoredFile]:
        below = path_segments(path) if path else ()
        await self._ready()
        with self._logged_in():
            async with aclosing(self._files.walk(below)) as found:
                async for file in found:
                    yield file

    @override
    async def open_read(
        self, path: str, *, start: int = 0, length: int | None = None
    ) -> AsyncGenerator[bytes]:
        segments = path_segments(path)
        await self._ready()
        with self._logged_in():
            async with aclosing(
                self._files.read(path, *segments, start=start, length=length)
            ) as pieces:
                async for piece in pieces:
                    yield piece

    @override
    async def free_space(self) -> int | None:
        await self._ready()
        with self._logged_in():
            return await self._files.quota()

    def _removed(self, removal: asyncio.Task[None]) -> None:
        self._removing_now.discard(removal)
        if not removal.cancelled():
            removal.exception()  # Retrieved: its caller may be gone.

    async def _remove_folder(self, folder: Segments) -> None:
        async with self._removing(folder):
            is_new = self._folders.is_new(folder)
            self._folders.forget_below(folder)
            with self._logged_in():
                await remove_empty(self._files, self._moves, folder, is_new=is_new)
            self._folders.forget_new(folder)

    async def _ready(self) -> None:
        """Make sure that the root was found, and that we are logged in.

        Who comes while that is being found out shares the result: a server is never
        asked by many at once with a password that it refuses.
        """
        if self._is_found:
            return
        attempts = self._attempts
        async with self._finding:
            if self._is_found:
                return
            if self._attempts != attempts and self._failure is not None:
                raise copy(self._failure)
            try:
                await self._folders.find_root()
            except StorageError as err:
                self._failure = err
                raise
            finally:
                self._attempts += 1
            self._is_found = True
            self._failure = None

    @contextmanager
    def _logged_in(self) -> Iterator[None]:
        """Have the next ones wait for one try to log in, once it is refused.

        Or for a look at the root, once no WebDAV server answers.
        """
        try:
            yield
        except AuthFailed, NotWebdav:
            self._is_found = False
            raise

    @asynccontextmanager
    async def _using(self, target: Segments) -> AsyncGenerator[None]:
        """Keep the folders of a file from being removed as empty ones."""
        folders = [target[:n] for n in range(1, len(target))]
        while removals := [self._removals[x] for x in folders if x in self._removals]:
            await asyncio.wait(removals)
        self._used.update(folders)
        try:
            yield
        finally:
            self._used.subtract(folders)
            self._used = +self._used

    @asynccontextmanager
    async def _removing(self, folder: Segments) -> AsyncGenerator[None]:
        """Keep everything from being put into a folder while it is removed."""
        if self._used[folder] or folder in self._removals:
            raise Rejected(f"Something is being put into {'/'.join(folder)}")
        done = self._removals[folder] = asyncio.get_running_loop().create_future()
        try:
            yield
        finally:
            del self._removals[folder]
            done.set_result(None)
