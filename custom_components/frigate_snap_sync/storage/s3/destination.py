"""A bucket of an S3-compatible server as a destination."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
import errno
import re
from typing import Any, Final, override

from ..base import Capabilities, Destination, Source, StoredFile
from ..errors import Rejected, other_size
from ..http.address import where
from ..http.limits import HttpLimits
from ..http.ranges import cut, range_headers
from ..http.requests import OpenSession, Requests
from ..outlasting import outlast
from .answers import Answer, error_of, is_missing, is_object, no_s3
from .client import BucketClient
from .listing import FULL_PAGE, MAX_LIST, MAX_OBJECTS, is_list, parse_list
from .settings import Addressing, Proof, S3Settings, base_of
from .unfinished import name_of, parse_name, upload_of
from .upload import MAX_PUT, MAX_SINGLE, Uploads
from .whereabouts import Whereabouts

MAX_PUTS: Final = 6
"""Files that are sent at once."""

PIECE: Final = 256 * 1024
"""Bytes of a piece that is read."""

CANCEL_TIMEOUT: Final = 0.7
"""Seconds that ending an upload may hold up a failed `put`; it continues by itself."""

ADDRESSING: Final = "addressing"
PROOF: Final = "proof"
CAN_LIST: Final = "can_list"
"""Names of what is found out about a server."""

_RANGE: Final = re.compile(r"bytes (\d{1,19})-(\d{1,19})/(\d{1,19}|\*)")


class S3Destination(Destination):
    """The objects of a bucket whose names begin with a prefix.

    An object is never there by halves, so that nothing has a temporary name. The name
    of an unfinished multipart upload, which `prepare` returns, holds path and id.
    """

    def __init__(
        self,
        settings: S3Settings,
        *,
        open_session: OpenSession,
        limits: HttpLimits | None = None,
    ) -> None:
        """Keep the settings, and connect on first use."""
        self._settings = settings
        self._proof = settings.proof
        self._requests = Requests(
            open_session, where=where(base_of(settings, Addressing.PATH))
        )
        self._client = BucketClient(self._requests, settings, limits or HttpLimits())
        self._whereabouts = Whereabouts(self._client, settings)
        self._puts = asyncio.Semaphore(MAX_PUTS)
        self._ending: set[asyncio.Task[None]] = set()
        self._is_closed = False

    @property
    @override
    def capabilities(self) -> Capabilities:
        return Capabilities(
            folders=False,
            uses_temporary=False,
            max_concurrent=MAX_PUTS,
            server_checksum=True,
            can_read=self._settings.can_read,
            can_delete=self._settings.can_delete,
            may_be_limited=not self._settings.limits_known,
            # It goes in parts then, which are ended if the rest does not come.
            unsized_from=MAX_SINGLE + 1 if self._can_abort else None,
        )

    @property
    @override
    def findings(self) -> Mapping[str, Any]:
        found = {ADDRESSING: self._whereabouts.addressing, PROOF: self._proof}
        known = {n: value.value for n, value in found.items() if value is not None}
        return known | ({CAN_LIST: True} if self._whereabouts.could_list else {})

    @override
    async def connect(self) -> None:
        self._is_closed = False
        await self._whereabouts.look()

    @override
    async def close(self) -> None:
        self._is_closed = True
        self._requests.close()

    @override
    def unprepared(self, path: str, source: Source, *, temporary: str) -> str:
        return name_of(path) if self._is_large(source) else temporary

    @override
    async def prepare(self, path: str, source: Source, *, temporary: str) -> str:
        key = self._client.key(path)
        if not self._is_large(source):
            return temporary
        uploads = await self._uploads()
        beginning = asyncio.create_task(uploads.begin(key))
        try:
            upload_id = await outlast(beginning)
        except asyncio.CancelledError:
            # The server may have begun it already, and nothing else knows its id.
            await self._end(uploads, key, beginning)
            raise
        return name_of(path, upload_id)

    @override
    async def put(self, path: str, source: Source, *, temporary: str) -> StoredFile:
        key = self._client.key(path)
        upload_id = upload_of(path, temporary)
        async with self._puts:
            if upload_id is None and source.size > MAX_PUT:
                prepared = await self.prepare(path, source, temporary=temporary)
                upload_id = upload_of(path, prepared)
            if upload_id is not None:
                await self._put_in_parts(path, key, source, upload_id)
            else:
                await (await self._uploads()).put(key, source)
        return StoredFile(path=path, size=source.size)

    @override
    async def stat(self, path: str) -> StoredFile | None:
        key = self._client.key(path)
        answer = await self._client.ask("HEAD", key, await self._whereabouts.find())
        if answer.status in (403, 404):
            # Neither says why: what answers may be no S3 server just now, and to whom
            # could never list it says 403 of what is missing.
            await self.connect()
            if answer.status == 404 or not self._whereabouts.could_list:
                return None
        if answer.status != 200:
            raise error_of(answer, f"look at {path}", self._client.where)
        if not is_object(answer.headers):
            raise no_s3(answer, self._client.where)
        return StoredFile(path=path, size=_length(answer, path))

    @override
    async def delete(self, path: str) -> None:
        key = self._client.key(path)
        answer = await self._client.ask("DELETE", key, await self._whereabouts.find())
        await self._whereabouts.see_deleted(answer, f"delete {path}")

    @override
    async def discard(self, temporary: str) -> None:
        path, upload_id = parse_name(temporary)
        key = self._client.key(path)
        if upload_id:
            await (await self._uploads()).abort(key, upload_id)
        elif upload_id is not None:
            # Its id was never known here: the server may say it.
            await (await self._uploads()).abort_all(key)

    @override
    async def list_files(self, path: str = "") -> AsyncGenerator[StoredFile]:
        prefix = f"{self._client.key(path)}/" if path else self._whereabouts.prefix
        token, objects = None, 0
        while True:
            answer = await self._list(prefix, token=token)
            page = await asyncio.to_thread(
                parse_list, answer.body, self._whereabouts.prefix
            )
            for file in page.files:
                yield file
            objects += page.objects or FULL_PAGE
            if objects > MAX_OBJECTS:
                raise Rejected(f"The server lists more than {MAX_OBJECTS} objects")
            if page.token is None or (page.token == token and not page.objects):
                return
            token = page.token

    @override
    async def open_read(
        self, path: str, *, start: int = 0, length: int | None = None
    ) -> AsyncGenerator[bytes]:
        key = self._client.key(path)
        if length == 0:
            if await self.stat(path) is None:
                raise FileNotFoundError(errno.ENOENT, "No such file", path)
            return
        address = await self._whereabouts.find()
        headers = range_headers(start, length)
        async with self._client.opened(key, address, headers=headers) as response:
            if response.status == 416:
                return
            if response.status not in (200, 206):
                answer = await self._client.refusal(response)
                if is_missing(answer):
                    await self._whereabouts.see_deleted(answer, f"read {path}")
                    raise FileNotFoundError(errno.ENOENT, "No such file", path)
                raise error_of(answer, f"read {path}", self._client.where)
            if not is_object(response.headers):
                # A login page, say: it says nothing about the object.
                page = await self._client.refusal(response)
                raise no_s3(page, self._client.where)
            # rclone answers a range with 200 all the same.
            skip = start - _first_of(response.headers.get("Content-Range"), start)
            async with (
                aclosing(self._client.pieces(response, PIECE)) as pieces,
                aclosing(cut(pieces, skip=skip, length=length)) as parts,
            ):
                async for part in parts:
                    yield part

    @override
    async def free_space(self) -> int | None:
        return None

    @property
    def _can_abort(self) -> bool:
        return self._settings.can_delete

    def _is_large(self, source: Source) -> bool:
        return source.size > (MAX_SINGLE if self._can_abort else MAX_PUT)

    async def _uploads(self) -> Uploads:
        self._is_closed = False
        return Uploads(
            self._client,
            await self._whereabouts.find(),
            self._whereabouts,
            self._is_proof,
        )

    async def _list(self, prefix: str, *, token: str | None) -> Answer:
        params = {"list-type": "2", "prefix": prefix, "encoding-type": "url"}
        if token is not None:
            params["continuation-token"] = token
        answer = await self._client.ask(
            "GET", "", await self._whereabouts.find(), params=params, most=MAX_LIST
        )
        if answer.status != 200:
            raise error_of(answer, "list files", self._client.where)
        if not is_list(answer.body):
            raise no_s3(answer, self._client.where)
        return answer

    def _is_proof(self, answer: Answer, md5: bytes) -> bool:
        """Tell whether an answer shows that the right bytes arrived.

        The first answer of a test shows what the ETags of this bucket are.
        """
        # A proxy that may compress answers makes it a weak one: `W/"…"`.
        etag = answer.headers.get("ETag", "").removeprefix("W/").strip('"').lower()
        if not etag:
            raise no_s3(answer, self._client.where)
        is_md5 = etag == md5.hex()
        if self._proof is None:
            self._proof = Proof.ETAG if is_md5 else Proof.CONTENT_MD5
        encryption = answer.headers.get("x-amz-server-side-encryption", "")
        return (
            is_md5
            or self._proof is Proof.CONTENT_MD5
            or encryption.startswith("aws:kms")
        )

    async def _put_in_parts(
        self, path: str, key: str, source: Source, upload_id: str
    ) -> None:
        uploads = await self._uploads()
        try:
            is_proven = await uploads.send_parts(key, upload_id, source)
        except BaseException:
            begun = asyncio.get_running_loop().create_future()
            begun.set_result(upload_id)
            await self._end(uploads, key, begun)
            raise
        if self._settings.can_read and not is_proven:
            await self._compare(path, source.size)

    async def _compare(self, path: str, size: int) -> None:
        """See that an object which was put together is there.

        Only for a key that can read: of what is there it is refused nothing.
        """
        stored = await self.stat(path)
        if stored is None or stored.size != size:
            has = "nothing" if stored is None else stored.size
            raise other_size(f"Of {size} bytes the server has {has}")

    async def _end(
        self, uploads: Uploads, key: str, begun: asyncio.Future[str]
    ) -> None:
        """End an upload that failed; what does not answer in time is left to itself."""

        async def abort() -> None:
            await uploads.abort(key, await begun)

        task = asyncio.create_task(abort())
        self._ending.add(task)
        task.add_done_callback(self._ended)
        await asyncio.wait({task}, timeout=CANCEL_TIMEOUT)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._ending.discard(task)
        if not task.cancelled():
            task.exception()  # Retrieved: `discard` is called for it later.
        if self._is_closed and not self._ending:
            self._requests.close()


def _length(answer: Answer, path: str) -> int:
    length = answer.headers.get("Content-Length", "")
    if not length.isascii() or not length.isdecimal() or len(length) > 18:
        raise Rejected(f"The server does not tell the size of {path}")
    return int(length)


def _first_of(content_range: str | None, start: int) -> int:
    """Return where an answer begins: at the file's first byte if it says nothing."""
    if content_range is None:
        return 0
    found = _RANGE.fullmatch(content_range)
    if found is None or int(found[1]) > start:
        raise Rejected("The server sends another range than it was asked for")
    return int(found[1])
