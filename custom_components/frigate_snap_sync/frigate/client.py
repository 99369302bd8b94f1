"""Frigate's HTTP API, as far as it is needed here."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from http import HTTPStatus
from time import monotonic
from typing import Final

import aiohttp

from .address import api_url, fits_route, parse_base_url, parse_proxy
from .api import Api, json_of
from .auth import Auth
from .errors import (
    FrigateServerError,
    InvalidProxy,
    InvalidUrl,
    MalformedMessage,
    MediaGone,
    MediaNotReady,
    NotFrigate,
    UnsupportedVersion,
)
from .fields import mapping_or_empty, number_or_none
from .listings import Listings, object_row, review_row
from .live_stream import LiveMessage, live_film
from .media_answers import clip_error, clip_times, deadline, may_be_media, media_pieces
from .models import FrigateConfig, Page, Review, Segments, TrackedObject
from .parsers import parse_config
from .pictures import Pictures
from .transport import Answer, Limits, Transport, read_answer
from .version import OLDEST_SUPPORTED, FrigateVersion

__all__ = [
    "FrigateClient",
    "FrigateVersion",
    "InvalidProxy",
    "InvalidUrl",
    "Limits",
]

_PIECE: Final = 1024 * 1024
_DAY: Final = 86_400.0
_VERSION_KEPT: Final = 300.0
"""Seconds; an update of Frigate need not be seen as a lost connection."""
_PASSING: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})
"""Statuses that say nothing about who answers."""


class FrigateClient:
    """One Frigate, on its internal port (5000) or the one with login (8971).

    Every method raises only `FrigateError` (see `errors`), beside what is
    said with it. Times are epoch seconds of Frigate's clock.

    The session stays the caller's. One of its own with `aiohttp.DummyCookieJar`
    is best, so that the login's cookie is not kept beside the token; the token
    goes before a cookie in every version of Frigate.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        *,
        username: str | None = None,
        password: str | None = None,
        verify_ssl: bool = True,
        proxy: str | None = None,
        limits: Limits | None = None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """Prepare requests to `url`; nothing is sent yet.

        With a `username` the client logs in before its first request. `clock` is
        a steady one; how long a token or a version counts goes by it.

        Raises:
            InvalidUrl: `url` is not `http(s)://host…`, or has user information.
            InvalidProxy: `proxy` is not `http(s)://host…`.

        """
        base = parse_base_url(url)
        self._limits = limits or Limits()
        self._clock = clock
        self._transport = Transport(
            session,
            verify_ssl=verify_ssl,
            proxy=parse_proxy(proxy) if proxy else None,
            limits=self._limits,
        )
        auth = Auth(
            self._transport,
            api_url(base, "login"),
            username=username,
            password=password,
            clock=clock,
        )
        self._api = Api(self._transport, base, auth, limits=self._limits)
        self._version: FrigateVersion | None = None
        self._version_until = 0.0
        self._version_losses = 0
        self._listings = Listings(self._api)
        self._pictures = Pictures(self._api, limits=self._limits, event=self.event)

    @property
    def clock_offset(self) -> float:
        """Return local time minus Frigate's time in seconds; 0.0 until known."""
        return self._transport.clock.seconds

    async def version(self) -> FrigateVersion:
        """Ask for the version.

        Raises:
            NotFrigate: The answer is no version.
            UnsupportedVersion: Frigate is older than 0.14.

        """
        answer = await self._ask_every_frigate("version")
        try:
            version = FrigateVersion.parse(answer.body.decode())
        except ValueError as err:
            raise NotFrigate("/api/version does not answer a version") from err
        if not version.supported:
            raise UnsupportedVersion(
                f"This is Frigate {version}; {OLDEST_SUPPORTED} or newer is needed",
                about=version,
            )
        self._version = version
        self._version_until = self._clock() + _VERSION_KEPT
        self._version_losses = self._api.losses
        return version

    async def config(self) -> FrigateConfig:
        """Ask for the configuration in force, with the live values of the switches.

        Raises:
            NotFrigate: The answer is no configuration of Frigate.

        """
        answer = await self._ask_every_frigate("config")
        try:
            return parse_config(json_of(answer, "config"))
        except MalformedMessage as err:
            raise NotFrigate(f"/api/config is not Frigate's: {err}") from err

    async def uptime(self) -> float:
        """Return for how many seconds Frigate has been running.

        Frigate computes it every 15 s only.
        """
        stats = mapping_or_empty(await self._api.json("stats"))
        uptime = number_or_none(mapping_or_empty(stats.get("service")).get("uptime"))
        if uptime is None or uptime < 0:
            raise FrigateServerError("/api/stats tells no uptime")
        return uptime

    async def camera_fps(self, camera: str) -> float:
        """Return how many pictures a second a camera sends, 0.0 for one that is away.

        Frigate counts every 15 s only. One that it does not count sends nothing.
        """
        stats = mapping_or_empty(await self._api.json("stats"))
        cameras = mapping_or_empty(stats.get("cameras"))
        fps = number_or_none(mapping_or_empty(cameras.get(camera)).get("camera_fps"))
        return max(fps or 0.0, 0.0)

    async def review(self, review_id: str) -> Review | None:
        """Return a review, None if Frigate has no such one."""
        return await self._get_item("review", review_id, review_row)

    async def reviews(self, *, after: float, before: float) -> list[Review]:
        """Return all reviews that overlap the time from `after` to `before`.

        Those that a person has marked as reviewed are among them. Frigate 0.14
        and 0.15 can't select by overlap: there a review that began more than a
        day before `after`, or ended more than a day after `before`, is not found.
        """
        return await self._listings.reviews(
            await self._known_version(), after=after, before=before
        )

    async def event(self, event_id: str) -> TrackedObject | None:
        """Return a tracked object, None if Frigate has no such one."""
        return await self._get_item("events", event_id, object_row)

    async def events(
        self,
        *,
        after: float,
        before: float,
        limit: int,
        min_length: float | None = None,
        in_progress: bool = False,
    ) -> Page:
        """Return the newest `limit` tracked objects that began in that time.

        With `min_length` (seconds) only those that have ended and lasted at least
        so long, with `in_progress` only those that are still tracked; Frigate 0.14+.

        Raises:
            UnreadableRows: There are some, but none can be understood. Of a full
                page it is enough that their starts can: older ones may be better.

        """
        return await self._listings.events(
            after=after,
            before=before,
            limit=limit,
            min_length=min_length,
            in_progress=in_progress,
        )

    async def recordings(self, camera: str, *, after: float, before: float) -> Segments:
        """Return the footage that Frigate has on disk for that time, oldest first.

        How many rows of it can't be understood is said beside it.

        Raises:
            UnreadableRows: Frigate shows some of that time, but not in a form that
                can be understood: it is not known then how much there is.

        """
        if not fits_route(camera):
            return Segments()
        return await self._listings.recordings(camera, after=after, before=before)

    async def hours(self, camera: str) -> list[int]:
        """Return the hours in which footage on Frigate's disk begins, oldest first.

        Each by its first second. A segment that began at the very end of an hour
        reaches into the next one, which may not be among them. Frigate 0.14+; it
        looks at all of its footage, so this is nothing to ask every minute.
        """
        if not fits_route(camera):
            return []
        return await self._listings.hours(camera)

    async def snapshot(self, event_id: str) -> bytes:
        """Return the picture of a tracked object, a whole JPEG of at most 16 MiB.

        Raises:
            MediaNeverThere: Frigate has no such object, or no picture of it.
            MediaGone: It can't have an object of such a name.
            MediaNotReady: Nothing yet, or the object is still being tracked and
                has no picture.
            MediaBroken: What came is no whole JPEG, or not in two minutes.

        """
        return await self._pictures.snapshot(event_id)

    async def latest(self, camera: str) -> bytes:
        """Return the newest picture of a camera, a whole JPEG of at most 16 MiB.

        Raises:
            MediaGone: Frigate has no camera of this name.
            MediaNotReady: It has no picture of it (yet), or the camera is away.
            MediaBroken: What came is no whole JPEG, or not in two minutes.

        """
        return await self._pictures.latest(camera)

    async def clip(
        self,
        camera: str,
        *,
        start: float,
        end: float,
        write: Callable[[bytes], Awaitable[None]],
    ) -> int:
        """Stream the footage from `start` to `end` to `write`; return its bytes.

        Both are widened to whole seconds, as Frigate cuts at those. Pieces have
        at most 2 MiB. What `write` raises comes through. Whether the file is
        whole is to be checked afterwards (`media.check_mp4`).

        Ask for the same range only once at a time: Frigate's work on it would
        get mixed up.

        Raises:
            MediaGone: Frigate says that it has no such thing.
            MediaNotReady: Frigate has nothing for this time (yet).
            MediaBroken: The answer hangs or breaks off, or takes longer than ten
                minutes and three times the clip's length, `write` included.

        """
        what = "A clip"
        if not fits_route(camera):
            raise MediaGone(f"{what}: Frigate has no camera of this name")
        times = clip_times(await self._known_version(), start, end)
        seconds = max(0.0, end - start) * self._limits.clip_second
        async with deadline(self._limits.clip + seconds, what):
            return await self._clip(camera, times, what, write)

    def live_film(self, stream: str) -> AsyncGenerator[LiveMessage]:
        """Yield the film of one of go2rtc's streams while it happens (`live_stream`).

        `stream` is from `FrigateConfig.live`. To be read without a pause.
        """
        return live_film(self._api, stream, limits=self._limits)

    async def _clip(
        self,
        camera: str,
        times: tuple[str, str],
        what: str,
        write: Callable[[bytes], Awaitable[None]],
    ) -> int:
        size = 0
        buffer = bytearray()
        response = await self._api.open_media(
            camera, "start", times[0], "end", times[1], "clip.mp4"
        )
        async with response:
            if response.status != HTTPStatus.OK:
                raise clip_error(await read_answer(response, limit=0), what)
            if not may_be_media(response.content_type):
                raise NotFrigate(f"{what}: a {response.content_type} came")
            async with aclosing(media_pieces(response, what)) as pieces:
                async for piece in pieces:
                    buffer += piece
                    if len(buffer) >= _PIECE:
                        size += len(buffer)
                        await write(bytes(buffer))
                        buffer.clear()
            if buffer:
                size += len(buffer)
                await write(bytes(buffer))
        if not size:
            raise MediaNotReady(f"{what}: empty answer")
        return size

    async def _known_version(self) -> FrigateVersion:
        """Return the version as of the last minutes, with no outage since."""
        if (
            self._version is None
            or self._version_losses != self._api.losses
            or self._clock() > self._version_until
        ):
            return await self.version()
        return self._version

    async def _ask_every_frigate(self, name: str) -> Answer:
        """Return the good answer of a route that every Frigate has.

        Whoever says that there is no such thing, in whatever way, is another.
        """
        answer = await self._api.ask(name)
        if answer.status == HTTPStatus.OK:
            return answer
        error = answer.error(f"/api/{name}")
        if (
            isinstance(error, FrigateServerError)
            and answer.status < HTTPStatus.INTERNAL_SERVER_ERROR
            and answer.status not in _PASSING
        ):
            raise NotFrigate(str(error), said=error.said)
        raise error

    async def _get_item[T](
        self, kind: str, item_id: str, parse: Callable[[object], T]
    ) -> T | None:
        if not fits_route(item_id):
            return None
        answer = await self._api.ask(kind, item_id)
        if answer.is_missing_item:
            return None
        try:
            return parse(json_of(answer, kind))
        except MalformedMessage as err:
            raise FrigateServerError(f"/api/{kind}: {err}") from err
