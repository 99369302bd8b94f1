"""Signed requests to a bucket, and their answers.

The one place that uses the library: it signs, and sends on a session of ours.
"""

from base64 import b64encode
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
import hashlib
from typing import Final

import aiohttp
from aiohttp_s3_client.client import S3Client
from aiohttp_s3_client.credentials import StaticCredentials

from ..base import path_segments
from ..errors import InvalidPath, Rejected
from ..http.body import sending
from ..http.errors import legal_request
from ..http.limits import HttpLimits, no_timeouts
from ..http.requests import Requests
from ..source import OpenSource
from .answers import MAX_ERROR, Answer
from .settings import MAX_KEY, Addressing, S3Settings, base_of

CONTENT_TYPES: Final = {
    "jpg": "image/jpeg",
    "mp4": "video/mp4",
}
"""By extension. One is always given: the library would look for it in the system."""
_ANY_TYPE: Final = "application/octet-stream"
_EMPTY_HASH: Final = hashlib.sha256(b"").hexdigest()


class BucketClient:
    """Sends requests about one bucket; redirections are not followed."""

    def __init__(
        self, requests: Requests, settings: S3Settings, limits: HttpLimits
    ) -> None:
        """Send nothing yet."""
        self.where = requests.where
        self.limits = limits
        self._requests = requests
        self._settings = settings
        # Not from the environment or files of this machine.
        self._credentials = StaticCredentials(
            access_key_id=settings.access_key_id,
            secret_access_key=settings.secret_access_key,
            region=settings.region,
        )

    def key(self, path: str) -> str:
        """Return the name of the object for a path below the prefix.

        Raises `InvalidPath`, also for a name that S3 can't have.
        """
        path_segments(path)
        prefix = self._settings.path
        key = f"{prefix}/{path}" if prefix else path
        try:
            size = len(key.encode())
        except UnicodeEncodeError:
            raise InvalidPath(f"{path!r} is not a legal name in a bucket") from None
        if size > MAX_KEY:
            raise InvalidPath(f"{path!r} is too long for a bucket, with its prefix")
        return key

    async def ask(
        self,
        method: str,
        key: str,
        addressing: Addressing,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        most: int = MAX_ERROR,
        seconds: float | None = None,
    ) -> Answer:
        """Return the answer to a small request; raises `StorageError` if there is none.

        Its first 16 KiB are read. A longer success is wanted whole by who allows `most`
        bytes, and refused if it has more.
        """
        async with self._requests.watched(seconds or self.limits.request):
            response = await self._send(
                method, key, addressing, params=params, headers=headers, data=body
            )
            async with self._requests.kept(response):
                return await _read(response, most)

    async def put(
        self,
        key: str,
        addressing: Addressing,
        source: OpenSource,
        *,
        md5: bytes | None = None,
        params: Mapping[str, str] | None = None,
    ) -> tuple[Answer, bytes]:
        """Send a file, or a part of one; return the answer and the MD5 of what was sent.

        A small file is hashed here; of another the MD5 must be known. Raises
        `StorageError`, and what reading the source raises.
        """
        async with sending(self._requests, source, self.limits) as body:
            data = await body.data()
            if isinstance(data, bytes):
                md5 = hashlib.md5(data, usedforsecurity=False).digest()
            if md5 is None:
                raise Rejected(f"{source.size} bytes are sent whose hash is not known")
            response = await self._send(
                "PUT",
                key,
                addressing,
                params=params,
                headers={
                    "Content-MD5": b64encode(md5).decode(),
                    "Content-Type": _type_of(key),
                    "Content-Length": str(source.size),
                },
                data=data,
            )
            async with self._requests.kept(response):
                return await _read(response, MAX_ERROR), md5

    @asynccontextmanager
    async def opened(
        self, key: str, addressing: Addressing, *, headers: Mapping[str, str]
    ) -> AsyncGenerator[aiohttp.ClientResponse]:
        """Yield the answer to a GET whose body is still to be read, by `pieces`."""
        async with self._requests.watched(self.limits.request):
            response = await self._send("GET", key, addressing, headers=headers)
        async with self._requests.kept(response):
            yield response

    def pieces(
        self, response: aiohttp.ClientResponse, size: int
    ) -> AsyncGenerator[bytes]:
        """Yield the body as it comes, in pieces of at most `size` bytes."""
        return self._requests.pieces(response, size, idle=self.limits.idle)

    async def refusal(self, response: aiohttp.ClientResponse) -> Answer:
        """Return the beginning of an answer that is no success."""
        async with self._requests.watched(self.limits.idle):
            return await _read(response, MAX_ERROR)

    async def _send(
        self,
        method: str,
        key: str,
        addressing: Addressing,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        data: bytes | AsyncGenerator[bytes] | None = None,
    ) -> aiohttp.ClientResponse:
        client = S3Client(
            self._requests.session,
            base_of(self._settings, addressing),
            credentials=self._credentials,
        )
        with legal_request(self.where):
            return await client.request(
                method,
                key,
                params=dict(params) if params else None,
                headers={"Content-Type": _ANY_TYPE, **(headers or {})},
                data=data,
                # Else the library takes a body without a known length for an endless one.
                data_length=_length_of(headers),
                content_sha256=_EMPTY_HASH if data is None else None,
                allow_redirects=False,
                # What arrives is what the server has, and what a range counts.
                skip_auto_headers={"Accept-Encoding"},
                timeout=no_timeouts(self.limits),
            )


def _length_of(headers: Mapping[str, str] | None) -> int | None:
    length = (headers or {}).get("Content-Length")
    return None if length is None else int(length)


def _type_of(key: str) -> str:
    return CONTENT_TYPES.get(key.rpartition(".")[2].lower(), _ANY_TYPE)


async def _read(response: aiohttp.ClientResponse, most: int) -> Answer:
    limit = most if response.status == 200 else MAX_ERROR
    body = bytearray()
    async for piece in response.content.iter_chunked(64 * 1024):
        body += piece
        if len(body) > limit:
            if limit > MAX_ERROR:
                raise Rejected(f"The server's answer has more than {limit} bytes")
            break
    return Answer(
        status=response.status, headers=response.headers, body=bytes(body[:limit])
    )
