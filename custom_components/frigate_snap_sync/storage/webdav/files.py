"""What is done on a WebDAV server, step by step."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
import errno
from http import HTTPStatus
from typing import Final

import aiohttp
from yarl import URL

from ..base import MAX_DEPTH, StoredFile
from ..errors import FINDING, NotWebdav, PermissionDenied, Rejected, StorageError
from ..http.ranges import cut, range_headers
from .answers import Answer, no_webdav, refusal
from .client import MAX_ANSWER, DavClient, answer_of
from .multistatus import BadAnswer, Multistatus, Resource, parse
from .settings import Addresses

MAX_LISTING: Final = 64 * 1024 * 1024
"""Bytes of the listing of one folder: a hundred thousand files."""

MAX_ENTRIES: Final = 1_000_000
"""Files and folders that `walk` looks at."""

_PARSED_AT_ONCE: Final = 16 * 1024
"""Bytes of an answer that are parsed in the event loop; the rest goes to a thread."""

_PIECE: Final = 64 * 1024
"""Bytes of a listing that are parsed in one go."""

_READ: Final = 256 * 1024
"""Bytes of a file that are read in one go."""

_XML: Final = {"Content-Type": "application/xml; charset=utf-8"}

_WANTED: Final = (
    b'<?xml version="1.0" encoding="utf-8"?><D:propfind xmlns:D="DAV:"><D:prop>'
    b"<D:resourcetype/><D:getcontentlength/>%s</D:prop></D:propfind>"
)
_QUOTA: Final = b"<D:quota-available-bytes/>"

_ABSENT: Final = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)
_NO_BODY: Final = (HTTPStatus.BAD_REQUEST, HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
"""How a server says that it takes no PROPFIND with a body."""

_NOT_BELOW: Final = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.METHOD_NOT_ALLOWED,
    HTTPStatus.CONFLICT,
    HTTPStatus.INTERNAL_SERVER_ERROR,
)
"""How servers answer to what would lie below a file."""

_NOT_UNDERSTOOD: Final = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.METHOD_NOT_ALLOWED,
    HTTPStatus.NOT_IMPLEMENTED,
)
"""How a web server answers PROPFIND that is none for WebDAV."""


class DavFiles:
    """Files and folders below a root, by their segments. Each call may raise `StorageError`."""

    def __init__(self, client: DavClient, addresses: Addresses) -> None:
        """Ask nothing yet."""
        self.client = client
        self.addresses = addresses
        self._takes_body = True

    async def find(
        self, *segments: str, is_folder: bool = False, quota: bool = False
    ) -> Resource | None:
        """Return what lies below the root, None for nothing."""
        url = self.addresses.of(*segments, is_folder=is_folder)
        answer = await self._propfind(url, quota=quota)
        what = f"look at {'/'.join(segments) or 'the folder'}"
        if answer.status in _ABSENT:
            if segments:
                await self.confirm_root()
            return None
        if answer.status != HTTPStatus.MULTI_STATUS:
            if segments and await self._is_below_a_file(answer, *segments):
                return None
            raise self.odd(answer, what)
        if len(answer.body) >= MAX_ANSWER:
            raise NotWebdav(f"{self.client.where} answers much too much")
        try:
            found = (
                parse(answer.body)
                if len(answer.body) <= _PARSED_AT_ONCE
                else await asyncio.to_thread(parse, answer.body)
            )
        except BadAnswer as err:
            raise NotWebdav(
                f"{self.client.where} does not speak WebDAV: {err}"
            ) from err
        if not found or found[0].is_absent:
            return None
        if not found[0].is_there:
            # Whoever may not look at it does not know that it is not there.
            answer = Answer(status=found[0].status)
            raise refusal(answer, what, self.client.where)
        return found[0]

    async def confirm_root(self) -> None:
        """Take a 404 for the server's word about a file: then its root is there.

        While a server restarts, a proxy before it may answer so to everything.
        """
        if await self.find(is_folder=True) is None:
            error = no_webdav(Answer(status=HTTPStatus.NOT_FOUND), self.client.where)
            error.step = FINDING
            raise error

    async def _is_below_a_file(self, answer: Answer, *segments: str) -> bool:
        """Tell whether an odd answer is for what can't be there: some don't say 404."""
        if answer.status not in _NOT_BELOW or len(segments) < 2:
            return False
        parent = await self.find(*segments[:-1])
        return parent is None or not parent.is_folder

    def odd(self, answer: Answer, what: str) -> StorageError:
        """Return the cause of an answer that says nothing about a file or a folder."""
        if not answer.wants_tls and (
            answer.is_success or answer.status in _NOT_UNDERSTOOD
        ):
            return no_webdav(answer, self.client.where)
        return refusal(answer, what, self.client.where)

    async def size(self, *segments: str) -> int | None:
        """Return the bytes of a plain file, None if there is none."""
        found = await self.find(*segments)
        if found is None or found.is_folder:
            return None
        if found.size is None:
            raise Rejected(f"The server does not tell the size of {'/'.join(segments)}")
        return found.size

    async def quota(self) -> int | None:
        """Return the bytes that may still be written, None if the server won't tell."""
        found = await self.find(is_folder=True, quota=True)
        return None if found is None else found.quota

    async def make_folder(self, *segments: str) -> Answer:
        """Ask for a folder, whose parent is there or not."""
        url = self.addresses.of(*segments, is_folder=True)
        return await self.client.ask("MKCOL", url)

    async def remove(self, *segments: str, is_folder: bool = False) -> None:
        """Remove what is there, a folder with all that is in it; fine for nothing."""
        url = self.addresses.of(*segments, is_folder=is_folder)
        answer = await self.client.ask("DELETE", url)
        if answer.status in _ABSENT:
            await self.confirm_root()
            return
        if not answer.is_success:
            what = f"delete {'/'.join(segments)}"
            if answer.status == HTTPStatus.METHOD_NOT_ALLOWED:
                raise PermissionDenied(
                    f"Failed to {what}: the server does not allow it (HTTP status 405)",
                    said="HTTP 405",
                )
            raise refusal(answer, what, self.client.where)
        if answer.status == HTTPStatus.OK and answer.is_page:
            # A login page, say: nothing was deleted.
            raise no_webdav(answer, self.client.where)
        if answer.status == HTTPStatus.MULTI_STATUS:
            # Of a folder: what of it could not be removed, and why.
            raise Rejected(f"{'/'.join(segments)} could not be deleted as a whole")

    async def read(
        self, path: str, *segments: str, start: int, length: int | None
    ) -> AsyncGenerator[bytes]:
        """Yield the bytes of a file in order; raises `FileNotFoundError`."""
        if length == 0:
            if await self.size(*segments) is None:
                raise FileNotFoundError(errno.ENOENT, "No such file", path)
            return
        url = self.addresses.of(*segments)
        headers = range_headers(start, length)
        async with self.client.opened("GET", url, headers=headers) as response:
            if response.status in _ABSENT:
                await self.confirm_root()
                raise FileNotFoundError(errno.ENOENT, "No such file", path)
            if response.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                return
            if response.status not in (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT):
                answer = answer_of(response)
                raise refusal(answer, f"read {path}", self.client.where)
            if (page := answer_of(response)).is_page:
                # A login page, say: it says nothing about the file.
                raise no_webdav(page, self.client.where)
            # Some answer a range with 200, and mean it all the same.
            given = response.headers.get("Content-Range", "")
            is_part = given.startswith(f"bytes {start}-")
            if response.status == HTTPStatus.PARTIAL_CONTENT and not is_part:
                raise Rejected(
                    f"Failed to read {path}: another part came than was asked"
                )
            skip = 0 if is_part else start
            async with (
                aclosing(self.client.pieces(response, _READ)) as pieces,
                aclosing(cut(pieces, skip=skip, length=length)) as parts,
            ):
                async for part in parts:
                    yield part

    async def walk(
        self, below: tuple[str, ...], *, max_entries: int = MAX_ENTRIES
    ) -> AsyncGenerator[StoredFile]:
        """Yield every file below a folder, asking for one folder at a time.

        Raises `Rejected` after so many files and folders: a server may never end.
        """
        folders, count = [below], 0
        while folders:
            folder = folders.pop()
            async with aclosing(self.children(folder)) as children:
                async for name, child in children:
                    count += 1
                    if count > max_entries:
                        raise Rejected(
                            f"The server lists more than {max_entries} names"
                        )
                    segments = (*folder, name)
                    if not child.is_folder:
                        yield StoredFile(path="/".join(segments), size=child.size or 0)
                    elif len(segments) < MAX_DEPTH:
                        folders.append(segments)

    async def children(
        self, folder: tuple[str, ...]
    ) -> AsyncGenerator[tuple[str, Resource]]:
        """Yield the names in a folder and what they are; none for what is no folder.

        What a server lists that does not lie right in the folder is left out.
        """
        own: str | None = None
        async with aclosing(self._listed(folder)) as resources:
            async for each in resources:
                parent, _, name = each.path.rpartition("/")
                if own is None:
                    # The folder itself comes first.
                    own = each.path
                    if not each.is_folder:
                        return
                elif parent.rstrip("/") == own and name and each.is_there:
                    yield name, each

    async def inside(self, folder: tuple[str, ...]) -> list[str]:
        """Return the names of what may be in a folder; none if it is surely empty.

        Whatever a server lists besides the folder counts, in any order, under any
        address, and also what it refuses to tell of.
        """
        async with aclosing(self._listed(folder)) as resources:
            listed = [each async for each in resources if not each.is_absent]
        if not listed or (
            len(listed) == 1 and listed[0].is_there and listed[0].is_folder
        ):
            return []
        own = min(listed, key=lambda each: len(each.path))
        others = [each for each in listed if each is not own] or [own]
        return [each.path.rpartition("/")[2] for each in others]

    async def _listed(self, folder: tuple[str, ...]) -> AsyncGenerator[Resource]:
        """Yield what a server lists of a folder, which is among it."""
        url = self.addresses.of(*folder, is_folder=True)
        what = f"list {'/'.join(folder) or 'the folder'}"
        headers = {"Depth": "1", **(_XML if self._takes_body else {})}
        body = _WANTED % b"" if self._takes_body else None
        async with self.client.opened(
            "PROPFIND", url, headers=headers, body=body
        ) as response:
            if response.status in _ABSENT:
                await self.confirm_root()
                return
            if response.status != HTTPStatus.MULTI_STATUS:
                answer = answer_of(response)
                if await self._is_below_a_file(answer, *folder):
                    return
                raise self.odd(answer, what)
            async with aclosing(self._resources(response, what)) as resources:
                async for each in resources:
                    yield each

    async def _resources(
        self, response: aiohttp.ClientResponse, what: str
    ) -> AsyncGenerator[Resource]:
        multistatus, size = Multistatus(), 0
        try:
            async with aclosing(self.client.pieces(response, _PIECE)) as pieces:
                async for piece in pieces:
                    size += len(piece)
                    if size > MAX_LISTING:
                        raise Rejected(f"Failed to {what}: the answer is too long")
                    for each in await _feed(multistatus, piece):
                        yield each
            for each in multistatus.feed(b"", is_last=True):
                yield each
        except BadAnswer as err:
            raise NotWebdav(
                f"{self.client.where} does not speak WebDAV: {err}"
            ) from err

    async def _propfind(self, url: URL, *, quota: bool) -> Answer:
        if self._takes_body:
            answer = await self.client.ask(
                "PROPFIND",
                url,
                headers={"Depth": "0", **_XML},
                body=_WANTED % (_QUOTA if quota else b""),
            )
            if answer.status not in _NO_BODY:
                return answer
        answer = await self.client.ask("PROPFIND", url, headers={"Depth": "0"})
        if answer.status == HTTPStatus.MULTI_STATUS:
            self._takes_body = False
        return answer


async def _feed(multistatus: Multistatus, piece: bytes) -> list[Resource]:
    if len(piece) <= _PARSED_AT_ONCE:
        return multistatus.feed(piece)
    return await asyncio.to_thread(multistatus.feed, piece)
