"""Files at the destinations over HTTP: in ranges, as a browser plays them."""

import asyncio
from contextlib import aclosing
import hashlib
from http import HTTPStatus
from typing import Final

from aiohttp import hdrs, web

from homeassistant.components.http import HomeAssistantView
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant

from .const import DOMAIN, LOGGER
from .coordinator import FrigateSnapSyncConfigEntry
from .media_ids import FILE_URL, mime_type
from .stored_files import (
    ENDINGS,
    FileKey,
    LedgerError,
    NotNow,
    NotThere,
    Playback,
    Reading,
    Role,
    Span,
    Unsatisfiable,
    asked_span,
)

WRITE_TIMEOUT: Final = 300.0
"""Seconds for which a player that is paused may take nothing."""


class FileView(HomeAssistantView):
    """Serves a file from the nearest destination that has it."""

    url = FILE_URL
    name = f"api:{DOMAIN}:file"

    def __init__(
        self, hass: HomeAssistant, *, write_timeout: float = WRITE_TIMEOUT
    ) -> None:
        """Serve the files of all entries."""
        self._hass = hass
        self._write_timeout = write_timeout

    async def get(
        self, request: web.Request, entry_id: str, kind: str, token: str, name: str
    ) -> web.StreamResponse:
        """Return the file, or the part of it that is asked for."""
        playback = self._playback(entry_id)
        try:
            key = FileKey.parse(kind, token, name)
        except ValueError:
            raise web.HTTPNotFound from None
        choice = _Choice(request, key)
        try:
            async with playback.reader.open(key, choice.choose) as reading:
                return await self._answer(request, key, choice, reading)
        except NotThere:
            raise web.HTTPNotFound from None
        except NotNow, LedgerError:
            raise web.HTTPServiceUnavailable from None

    async def head(
        self, request: web.Request, entry_id: str, kind: str, token: str, name: str
    ) -> web.StreamResponse:
        """Return what is known of the file, without a byte of it."""
        return await self.get(request, entry_id, kind, token, name)

    def _playback(self, entry_id: str) -> Playback:
        entry: FrigateSnapSyncConfigEntry | None = (
            self._hass.config_entries.async_get_entry(entry_id)
        )
        if entry is None or entry.domain != DOMAIN:
            raise web.HTTPNotFound
        if entry.state is not ConfigEntryState.LOADED:
            raise web.HTTPServiceUnavailable
        return entry.runtime_data.playback

    async def _answer(
        self, request: web.Request, key: FileKey, choice: _Choice, reading: Reading
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers=choice.headers(reading.size))
        response.content_type = mime_type(key)
        if choice.is_unsatisfiable:
            response.set_status(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
            response.headers[hdrs.CONTENT_RANGE] = f"bytes */{reading.size}"
            response.content_length = 0
        elif choice.is_unchanged:
            response.set_status(HTTPStatus.NOT_MODIFIED)
        else:
            span = choice.span or Span(0, reading.size)
            response.content_length = span.length
            if choice.span is not None:
                response.set_status(HTTPStatus.PARTIAL_CONTENT)
                last = span.start + span.length - 1
                response.headers[hdrs.CONTENT_RANGE] = (
                    f"bytes {span.start}-{last}/{reading.size}"
                )
        try:
            await response.prepare(request)
            await self._send(response, reading)
        except ENDINGS as err:
            LOGGER.debug("%s can't be read to its end: %s", request.path, err)
            _hang_up(request, response)
        except ConnectionError, TimeoutError:
            # The client is gone, or is paused for so long that it asks again.
            _hang_up(request, response)
        return response

    async def _send(self, response: web.StreamResponse, reading: Reading) -> None:
        async with aclosing(reading.pieces()) as pieces:
            async for piece in pieces:
                # Waits until the client has taken most of it: one piece is in memory.
                async with asyncio.timeout(self._write_timeout):
                    await response.write(piece)


class _Choice:
    """What a request asks for; known when the size of the file is."""

    def __init__(self, request: web.Request, key: FileKey) -> None:
        self.span: Span | None = None
        self.is_unsatisfiable = False
        self.is_unchanged = False
        self._request = request
        self._key = key

    def choose(self, size: int) -> Span | None:
        """Return which bytes are to be read; called again for another copy."""
        headers, tag = self._request.headers, self._tag(size)
        self.span, self.is_unsatisfiable = None, False
        self.is_unchanged = tag in headers.get(hdrs.IF_NONE_MATCH, "")
        if self.is_unchanged:
            return None
        if headers.get(hdrs.IF_RANGE, tag) == tag:
            try:
                self.span = asked_span(headers.get(hdrs.RANGE), size)
            except Unsatisfiable:
                self.is_unsatisfiable = True
                return None
        if self._request.method == hdrs.METH_HEAD:
            return None
        return self.span or Span(0, size)

    def headers(self, size: int) -> dict[str, str]:
        """Return the headers that every answer about the file has."""
        return {
            hdrs.ACCEPT_RANGES: "bytes",
            hdrs.ETAG: self._tag(size),
            # Live film may still grow.
            hdrs.CACHE_CONTROL: "private, no-cache"
            if self._key.role is Role.LIVE
            else "private, max-age=3600",
            "X-Content-Type-Options": "nosniff",
        }

    def _tag(self, size: int) -> str:
        """Return what changes with the file: its bytes never do, its size may."""
        text = f"{self._key.media}/{self._key.token}/{self._key.name}/{size}"
        return f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


def _hang_up(request: web.Request, response: web.StreamResponse) -> None:
    """Let the client see that the answer is not whole."""
    response.force_close()
    if request.transport is not None:
        request.transport.abort()
