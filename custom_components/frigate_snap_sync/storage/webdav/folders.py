"""The folders on a WebDAV server that files go to."""

import asyncio
from http import HTTPStatus
import time
from typing import Final

from ..errors import FINDING, PathNotFound, PermissionDenied, Rejected, StorageError
from .answers import no_webdav, refusal
from .files import DavFiles
from .moves import Segments

NEW: Final = 60.0
"""Seconds that a folder is new: a test of the destination makes and removes some."""

_EXISTS: Final = (HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.MOVED_PERMANENTLY)
"""How a server says that a folder is there: most by the first."""

_NO_PARENT: Final = (HTTPStatus.CONFLICT, HTTPStatus.NOT_FOUND)


class DavFolders:
    """Makes folders as they are needed, and remembers them."""

    def __init__(self, files: DavFiles) -> None:
        """Know of no folder yet."""
        self._files = files
        self._known: set[Segments] = set()
        self._made: dict[Segments, float] = {}
        self._lock = asyncio.Lock()

    def forget(self) -> None:
        """Know of no folder any more: others may have removed some."""
        self._known.clear()

    def forget_below(self, folder: Segments) -> None:
        """Know no longer of a folder, nor of those below it."""
        self._known = {each for each in self._known if each[: len(folder)] != folder}

    def forget_new(self, folder: Segments) -> None:
        """Know that a folder is no more."""
        self._made.pop(folder, None)

    def is_new(self, folder: Segments) -> bool:
        """Tell whether `make_one` has made a folder just now."""
        made = self._made.get(folder)
        return made is not None and time.monotonic() - made < NEW

    def is_known(self, folder: Segments) -> bool:
        """Tell whether a folder was seen or made since `forget`."""
        return not folder or folder in self._known

    async def ensure(self, folder: Segments) -> None:
        """Make a folder and those above it, below the root. Raises `StorageError`."""
        if self.is_known(folder):
            return
        async with self._lock:
            if self.is_known(folder):
                return
            depth = len(folder)
            # Up to one that is there, then down again.
            while depth and not await self._make(folder[:depth]):
                depth -= 1
            for n in range(depth + 1, len(folder) + 1):
                if not await self._make(folder[:n]):
                    await self._files.confirm_root()
                    raise Rejected(f"The folder {'/'.join(folder[:n])} can't be made")
            self._known |= {folder[:n] for n in range(1, len(folder) + 1)}

    async def _make(self, folder: Segments) -> bool:
        """Make one folder; tell whether it is there now: its parent may be missing."""
        answer = await self._files.make_folder(*folder)
        if answer.is_success:
            return True
        if answer.status in _NO_PARENT:
            return False
        if answer.status in _EXISTS:
            found = await self._files.find(*folder, is_folder=True)
            if found is not None and found.is_folder:
                return True
        what = f"make the folder {'/'.join(folder)}"
        if answer.status == HTTPStatus.METHOD_NOT_ALLOWED:
            raise PermissionDenied(
                f"Failed to {what}: the server does not allow it (HTTP status 405)",
                said="HTTP 405",
            )
        raise refusal(answer, what, self._files.client.where)

    async def make_one(self, folder: Segments) -> bool:
        """Make a folder whose parent is there; tell whether it was missing.

        Some servers answer as if they had made one that is there.
        """
        found = await self._files.find(*folder, is_folder=True)
        if found is not None and found.is_folder:
            self._known.add(folder)
            return False
        if not await self._make(folder):
            raise Rejected(f"There is no folder for {'/'.join(folder)}")
        self._known.add(folder)
        self._made[folder] = time.monotonic()
        return True

    async def find_root(self) -> None:
        """Make sure that the root is there, or say why it can't be."""
        try:
            found = await self._files.find(is_folder=True)
            if found is None:
                await self._make_root()
            elif not found.is_folder:
                raise PathNotFound(
                    "The path is that of a file, not of a folder",
                    hint="no_folder",
                    about=self._files.addresses.root[-1],
                )
        except Rejected as err:
            # It is about the destination as a whole.
            error = PermissionDenied(
                str(err), hint=err.hint, about=err.about, said=err.said
            )
            error.step = FINDING
            raise error from err
        except StorageError as err:
            err.step = err.step or FINDING
            raise

    async def _make_root(self) -> None:
        addresses, client = self._files.addresses, self._files.client
        answer = None
        for n in range(1, len(addresses.root) + 1):
            url = addresses.below(*addresses.root[:n], is_folder=True)
            answer = await client.ask("MKCOL", url)
            is_there = answer.is_success or answer.status in _EXISTS
            if not is_there and (n == len(addresses.root) or answer.status == 401):
                break
        found = await self._files.find(is_folder=True)
        if found is not None and found.is_folder:
            return
        if answer is None or answer.status in _NO_PARENT:
            base = await client.ask(
                "PROPFIND", addresses.below(), headers={"Depth": "0"}
            )
            if base.status != HTTPStatus.MULTI_STATUS:
                raise no_webdav(base, client.where)
        if answer is not None and not answer.is_success:
            error = refusal(answer, f"make {'/'.join(addresses.root)}", client.where)
            if type(error) in (Rejected, PermissionDenied):
                raise PathNotFound(
                    f"{error}. The folder does not exist and can't be made: check the "
                    "path, or make the folder on the server",
                    hint="folder_not_made",
                    said=error.said,
                )
            raise error
        raise PathNotFound("The folder is not there although it was made")
