"""One file on its way into a bucket."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
import hashlib
from pathlib import Path
from typing import Final, override
from xml.sax.saxutils import escape

from ..base import Source
from ..errors import (
    CHECKING,
    PermissionDenied,
    Rejected,
    StorageError,
    Throttled,
    Unreachable,
)
from ..source import FileSource, OpenSource, open_range, open_source
from .answers import Answer, error_of, no_s3, value_of
from .client import BucketClient
from .hashing import PartHasher, hashing
from .listing import MAX_LIST, is_upload_list, upload_ids
from .settings import Addressing
from .whereabouts import Whereabouts

MIB: Final = 1024 * 1024
MAX_SINGLE: Final = 64 * MIB
"""Bytes up to which a file goes as one object: in parts it is no faster."""

MAX_PUT: Final = 5 * 1024 * MIB
"""Bytes that S3 takes in one request."""

PART: Final = 16 * MIB
HELD_PART: Final = 8 * MIB
"""Bytes of a part that is sent from memory."""

MAX_PARTS: Final = 10_000
PARTS_AT_ONCE: Final = 2
PAUSES: Final = (1.0, 4.0)
"""Seconds after which a part is sent again that the server was too busy to take: all
others would have been sent in vain. One that asks for more is left alone for so long."""

SMALL: Final = 256 * 1024
"""Bytes that are read, hashed and sent in one go."""

type IsProof = Callable[[Answer, bytes], bool]
"""Tells whether an answer shows that bytes with this MD5 arrived."""


class Uploads:
    """Sends files, each as one object or as a multipart upload."""

    def __init__(
        self,
        client: BucketClient,
        addressing: Addressing,
        whereabouts: Whereabouts,
        is_proof: IsProof,
    ) -> None:
        """Send nothing yet."""
        self._client = client
        self._addressing = addressing
        self._whereabouts = whereabouts
        self._is_proof = is_proof

    async def put(self, key: str, source: Source) -> None:
        """Send a file in one request."""
        local = source.unpaced.local_path
        md5 = None
        sent = source.unpaced
        if local is None:
            md5 = bytes.fromhex(await source.md5())
        elif source.size > SMALL:
            async with hashing(local, source.unpaced) as hasher:
                md5 = await hasher.next(source.size)
                await hasher.finish()
            # The server compares: what was hashed is what arrives.
            sent = FileSource(local, size=source.size)
        async with open_source(sent) as opened:
            answer, md5 = await self._client.put(
                key, self._addressing, _paced(opened, source), md5=md5
            )
        await self._check(answer, md5, f"store {key}")

    async def begin(self, key: str) -> str:
        """Begin a multipart upload and return its id.

        Those that an earlier try has begun for this object end first: a crash may have
        come before their ids were known.
        """
        with suppress(StorageError):
            await self.abort_all(key)
        answer = await self._client.ask(
            "POST", key, self._addressing, params={"uploads": ""}
        )
        begun = value_of(answer.text, "UploadId")
        if answer.status != 200:
            raise await self._whereabouts.refusal(answer, f"begin {key}")
        if not begun:
            raise no_s3(answer, self._client.where)
        return begun

    async def send_parts(self, key: str, upload_id: str, source: Source) -> bool:
        """Send a file in parts; the object is there when all have arrived.

        And when the source has come to its end without an error. Returns whether the
        server has shown that the object consists of these parts.
        """
        if (local := source.unpaced.local_path) is not None:
            async with hashing(local, source.unpaced) as hasher:
                parts = await self._send_all(key, upload_id, source, local, hasher)
                await hasher.finish()
        else:
            parts = await self._send_held(key, upload_id, source)
        return await self._complete(key, upload_id, parts)

    async def abort_all(self, key: str) -> None:
        """End all multipart uploads of an object, if they may be listed."""
        for upload_id in await self._unfinished(key):
            await self.abort(key, upload_id)

    async def abort(self, key: str, upload_id: str) -> None:
        """End a multipart upload; succeeds when there is none.

        Twice: a part that was on its way may arrive after the first time, and stay.
        """
        for _ in range(2):
            answer = await self._client.ask(
                "DELETE", key, self._addressing, params={"uploadId": upload_id}
            )
            await self._whereabouts.see_deleted(answer, f"end the upload of {key}")
            if answer.status == 404:
                return

    async def _unfinished(self, key: str) -> list[str]:
        """Return the ids of those that were begun, as far as they may be listed."""
        answer = await self._client.ask(
            "GET",
            "",
            self._addressing,
            params={"uploads": "", "prefix": key, "max-uploads": "100"},
            most=MAX_LIST,
        )
        if answer.status == 200 and is_upload_list(answer.body):
            return await asyncio.to_thread(upload_ids, answer.body, key)
        if answer.status != 200:
            error = error_of(answer, f"list the uploads of {key}", self._client.where)
            is_refused = type(error) in (PermissionDenied, Rejected)
            if not is_refused and not (type(error) is Unreachable and _no_list(answer)):
                raise error
        if not answer.is_s3:
            # A proxy or a firewall may say so of this question alone, or of all.
            await self._whereabouts.look()
        # It may not, or can't, say more next time either.
        return []

    async def _send_all(
        self, key: str, upload_id: str, source: Source, local: Path, hasher: PartHasher
    ) -> list[_Part]:
        size = part_size(source.size)
        starts = range(0, source.size, size)
        slots = asyncio.Semaphore(PARTS_AT_ONCE)
        parts: dict[int, _Part] = {}

        async def send(number: int, start: int, length: int, md5: bytes) -> None:
            async def send_once() -> _Part:
                async with open_range(local, start=start, length=length) as opened:
                    return await self._put_part(
                        key, upload_id, number, opened, md5, source
                    )

            parts[number] = await _patiently(send_once)

        try:
            async with asyncio.TaskGroup() as group:
                for number, start in enumerate(starts, start=1):
                    length = min(size, source.size - start)
                    md5 = await hasher.next(length)
                    await slots.acquire()
                    task = group.create_task(send(number, start, length, md5))
                    task.add_done_callback(lambda _: slots.release())
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None
        return [parts[number] for number in sorted(parts)]

    async def _send_held(self, key: str, upload_id: str, source: Source) -> list[_Part]:
        """Send what has no file, or still grows: one part after the other."""
        parts: list[_Part] = []
        async with aclosing(_held_parts(source.unpaced)) as held:
            async for pieces in held:
                md5 = await asyncio.to_thread(_md5, pieces)

                async def send_once(
                    number: int = len(parts) + 1,
                    pieces: Sequence[bytes] = pieces,
                    md5: bytes = md5,
                ) -> _Part:
                    return await self._put_part(
                        key, upload_id, number, _Held(pieces), md5, source
                    )

                parts.append(await _patiently(send_once))
        return parts

    async def _put_part(
        self,
        key: str,
        upload_id: str,
        number: int,
        opened: OpenSource,
        md5: bytes,
        source: Source,
    ) -> _Part:
        """Send one part of a source, as fast as that may be sent."""
        answer, _ = await self._client.put(
            key,
            self._addressing,
            _paced(opened, source),
            md5=md5,
            params={"partNumber": str(number), "uploadId": upload_id},
        )
        await self._check(answer, md5, f"store part {number} of {key}")
        return _Part(etag=answer.headers.get("ETag", ""), md5=md5)

    async def _complete(self, key: str, upload_id: str, parts: list[_Part]) -> bool:
        """Put an object together; return whether its ETag is that of these parts."""
        listed = "".join(
            f"<Part><PartNumber>{number}</PartNumber><ETag>{escape(part.etag)}</ETag>"
            "</Part>"
            for number, part in enumerate(parts, start=1)
        )
        answer = await self._client.ask(
            "POST",
            key,
            self._addressing,
            params={"uploadId": upload_id},
            headers={"Content-Type": "text/xml"},
            body=f"<CompleteMultipartUpload>{listed}</CompleteMultipartUpload>".encode(),
            seconds=self._client.limits.finish,
        )
        # A failure may come behind a 200, which was sent to keep us waiting.
        if answer.status != 200 or answer.is_s3:
            error = await self._whereabouts.refusal(answer, f"finish {key}")
            error.step = CHECKING
            raise error
        if "CompleteMultipartUploadResult" not in answer.text:
            raise no_s3(answer, self._client.where)
        etag = (value_of(answer.text, "ETag") or "").strip('"').lower()
        return etag == _etag_of(parts)

    async def _check(self, answer: Answer, md5: bytes, what: str) -> None:
        # A failure may come behind a 200, too.
        if answer.status != 200 or answer.is_s3:
            raise await self._whereabouts.refusal(answer, what)
        if answer.is_odd:
            # Any ETag may be all the proof there is: not one of another server.
            raise no_s3(answer, self._client.where)
        if not self._is_proof(answer, md5):
            error = Rejected(
                f"Failed to {what}: its ETag {answer.headers.get('ETag', '')[:100]!r} is"
                f" not the MD5 of what was sent, {md5.hex()}"
            )
            error.step = CHECKING
            raise error


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """A part that has arrived: what the server calls it, and the MD5 of its bytes."""

    etag: str
    md5: bytes


def _no_list(answer: Answer) -> bool:
    """Tell whether what answers has no list of uploads, in its own words maybe."""
    if answer.status == 501 or answer.code == "NotImplemented":
        return True
    return answer.status in (400, 403, 404, 405) and not answer.is_s3


def _paced(opened: OpenSource, source: Source) -> OpenSource:
    """Return what was opened, as slow as its source asks, if it does."""
    return opened if source.unpaced is source else _Paced(opened, source)


class _Paced(OpenSource):
    """A part of a file that waits before each slice, as its source asks."""

    def __init__(self, opened: OpenSource, source: Source) -> None:
        self._opened = opened
        self._source = source
        self._piece = memoryview(b"")

    @property
    @override
    def size(self) -> int:
        return self._opened.size

    @override
    async def read(self) -> bytes:
        if not self._piece:
            self._piece = memoryview(await self._opened.read())
        size = self._source.slice_size
        part, self._piece = bytes(self._piece[:size]), self._piece[size:]
        if part:
            await self._source.pace(len(part))
        return part


class _Held(OpenSource):
    """A part that lies in memory."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self._size = sum(map(len, pieces))
        self._pieces = iter(pieces)

    @property
    @override
    def size(self) -> int:
        return self._size

    @override
    async def read(self) -> bytes:
        return next(self._pieces, b"")


async def _held_parts(source: Source) -> AsyncGenerator[list[bytes]]:
    """Yield the parts of a source, each as its pieces; all but the last are as large.

    Raises at its end what `Source.open` raises.
    """
    held: list[bytes] = []
    missing = HELD_PART
    async with aclosing(source.open()) as pieces:
        async for piece in pieces:
            held.append(piece[:missing])
            missing -= len(held[-1])
            if not missing:
                yield held
                held = [rest] if (rest := piece[len(held[-1]) :]) else []
                missing = HELD_PART - len(rest)
    if held:
        yield held


def _md5(pieces: Sequence[bytes]) -> bytes:
    digest = hashlib.md5(usedforsecurity=False)
    for piece in pieces:
        digest.update(piece)
    return digest.digest()


def _etag_of(parts: Sequence[_Part]) -> str:
    """Return the ETag of an object of these parts, where those of parts are MD5s.

    S3 takes the MD5 of their MD5s, and adds how many there are.
    """
    digest = hashlib.md5(b"".join(part.md5 for part in parts), usedforsecurity=False)
    return f"{digest.hexdigest()}-{len(parts)}"


async def _patiently(send: Callable[[], Awaitable[_Part]]) -> _Part:
    """Send a part, again if the server is too busy to take it."""
    for pause in PAUSES:
        try:
            return await send()
        except Throttled as err:
            if (err.retry_after or 0.0) > PAUSES[-1]:
                raise
            await asyncio.sleep(max(err.retry_after or 0.0, pause))
    return await send()


def part_size(size: int) -> int:
    """Return the bytes of a part: more where there would be too many of them."""
    least = -(-size // MAX_PARTS)
    return max(PART, -(-least // MIB) * MIB)
