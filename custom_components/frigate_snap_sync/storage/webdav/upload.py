"""One file on its way to a WebDAV server."""

import asyncio
from contextlib import suppress
from http import HTTPStatus
from typing import Final

from ..base import Source
from ..errors import (
    CHECKING,
    MAKING,
    RENAMING,
    NoSpace,
    PermissionDenied,
    Rejected,
    StorageError,
    vanished,
)
from ..growing import AlreadyThere
from ..source import open_source
from .answers import FULL, Answer, no_webdav, refusal
from .client import LoginAsked
from .files import DavFiles
from .folders import DavFolders
from .moves import Moves, Segments

SETTLE: Final = (0.1, 0.2, 0.4, 1.0, 3.0, 10.0)
"""Seconds between tries to remove what an upload left that was broken off."""

_HASH: Final = "X-Hash-SHA256"

_MISSING: Final = (
    HTTPStatus.NOT_FOUND,
    HTTPStatus.CONFLICT,
    HTTPStatus.INTERNAL_SERVER_ERROR,
)
"""What servers answer to a file whose folder is missing; the last also to others."""

_STORED: Final = (HTTPStatus.CREATED, HTTPStatus.NO_CONTENT)
"""What servers answer that have stored a file: 200 is said to anything by a portal."""

_SENDINGS: Final = 3
"""Of one file: to log in, and to make its folder, may take one more each."""


class Upload:
    """Sends a file under a temporary name and gives it its final one.

    `run` once; when it raises, `discard` cleans up. The renaming is a task of its own:
    it is not left half-way by a cancellation, and `discard` waits for it.
    """

    def __init__(
        self,
        files: DavFiles,
        folders: DavFolders,
        moves: Moves,
        path: Segments,
        temporary: Segments,
        *,
        replaces: bool = True,
    ) -> None:
        """Take segments below the root; ask nothing yet.

        Unless it `replaces`, a file that has come to the path meanwhile stays.
        """
        self.step: str | None = None
        """What is done now, besides writing; as in `StorageError.step`."""
        self.size = 0
        self._files = files
        self._folders = folders
        self._moves = moves
        self._path = path
        self._temporary = temporary
        self._replaces = replaces
        self._is_begun = False
        self._is_answered = False
        self._moving: asyncio.Task[None] | None = None

    async def run(self, source: Source) -> None:
        """Send, prove and rename. Raises `StorageError` or what `open_source` raises."""
        answer = await self._send_into_folder(source)
        self.step = CHECKING
        if not answer.is_success:
            self.step = None
            raise await self._refused(answer, f"write {self._name}")
        await self._prove(answer, source)
        self.step = RENAMING
        self._moving = asyncio.create_task(self._move())
        await asyncio.wait({self._moving})
        self._moving.result()
        await self._compare(self._path)

    async def run_at_once(self, source: Source) -> None:
        """Send it under its final name, and believe an answer that says it is stored."""
        answer = await self._send_into_folder(source)
        if not answer.is_success:
            raise await self._refused(answer, f"write {self._name}")
        if answer.status == HTTPStatus.OK and answer.is_page:
            raise no_webdav(answer, self._files.client.where)
        if answer.headers.get(_HASH) is not None or answer.status not in _STORED:
            self.step = CHECKING
            await self._prove(answer, source)

    async def discard(self) -> None:
        """Remove the temporary file, as far as the server answers."""
        if self._moving is not None:
            await asyncio.wait({self._moving})
            if self._moving.exception() is None:
                return
        if not self._is_begun:
            return
        # The server may still be writing what it got of a request that was broken off:
        # then it refuses, or makes the file once more. So two have to succeed.
        left = 1 if self._is_answered else 2
        for delay in SETTLE:
            try:
                await self._files.remove(*self._temporary)
                left -= 1
            except Rejected:
                pass  # It is locked, by the request that was broken off.
            except StorageError:
                return
            if not left:
                return
            await asyncio.sleep(delay)

    @property
    def _name(self) -> str:
        return "/".join(self._path)

    async def _send_into_folder(self, source: Source) -> Answer:
        """Send the file; if that failed for want of its folder, make it and try again."""
        folder = self._path[:-1]
        is_sure = not self._folders.is_known(folder)
        for attempt in range(1, _SENDINGS + 1):
            self.step = MAKING
            async with open_source(source) as opened:
                await self._folders.ensure(folder)
                self.step = None
                self.size = opened.size
                self._is_begun, self._is_answered = True, False
                try:
                    answer = await self._files.client.put(
                        self._files.addresses.of(*self._temporary),
                        opened,
                        hashes=source.sha256 is not None,
                    )
                except LoginAsked:
                    if attempt == _SENDINGS:
                        raise self._files.odd(Answer(status=401), "write") from None
                    continue
            self._is_answered = True
            if answer.status not in _MISSING or is_sure or attempt == _SENDINGS:
                return answer
            is_sure = True
            self._folders.forget()
        raise AssertionError

    async def _prove(self, answer: Answer, source: Source) -> None:
        """Compare what arrived: by its hash where the server says it, else by size."""
        arrived = answer.headers.get(_HASH)
        if arrived is not None and source.sha256 is not None:
            if arrived.lower() != source.sha256:
                raise Rejected(
                    f"Of {self._name} other bytes arrived than were sent",
                    hint="other_bytes",
                )
            return
        await self._compare(self._temporary)

    async def _compare(self, path: Segments) -> None:
        size = await self._files.size(*path)
        if size == self.size:
            return
        if size is None:
            raise vanished("/".join(path))
        error: StorageError = Rejected(
            f"Of {self.size} bytes the server has {size}", hint="other_size"
        )
        if await self._is_full():
            error = NoSpace(f"{error}: there is no space left")
        error.step = CHECKING
        raise error

    async def _move(self) -> None:
        """Give the file its name, in the place of a file, never of a folder.

        A MOVE that may overwrite would replace a folder with all that is in it.
        """
        answer = await self._moves.move(self._temporary, self._path)
        if answer.status == HTTPStatus.PRECONDITION_FAILED:
            found = await self._files.find(*self._path)
            if found is not None and found.is_folder:
                raise Rejected(f"{self._name} is a folder")
            if found is not None and not self._replaces:
                raise AlreadyThere(f"{self._name} came meanwhile and is not replaced")
            answer = await self._moves.move(self._temporary, self._path, overwrite=True)
        if answer.is_success and answer.status != HTTPStatus.MULTI_STATUS:
            return
        if await self._files.find(*self._temporary) is None:
            raise vanished(self._temporary[-1])
        raise await self._refused(answer, f"rename to {self._name}")

    async def _refused(self, answer: Answer, what: str) -> StorageError:
        """Return the cause of a refusal; not all servers say that they are full."""
        error = refusal(answer, what, self._files.client.where)
        if answer.status == HTTPStatus.NOT_FOUND and isinstance(error, Rejected):
            await self._files.confirm_root()
            # Its folder is there: so rclone says that it is read-only.
            return PermissionDenied(
                f"{error}. The server takes no files there", said=error.said
            )
        if answer.status != FULL and isinstance(error, Rejected):
            if await self._is_full():
                return NoSpace(f"{error}: there is no space left", said=error.said)
        return error

    async def _is_full(self) -> bool:
        with suppress(StorageError):
            quota = await self._files.quota()
            return quota is not None and quota < self.size
        return False
