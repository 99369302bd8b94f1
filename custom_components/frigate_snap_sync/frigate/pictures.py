"""Pictures of Frigate: of a tracked object, and the newest one of a camera."""

from collections.abc import Awaitable, Callable
from typing import Final

from .address import fits_route
from .api import Api
from .errors import (
    FrigateServerError,
    FrigateUnreachable,
    MediaBroken,
    MediaGone,
    MediaNeverThere,
    MediaNotReady,
)
from .media_answers import checked_picture, deadline
from .models import TrackedObject
from .transport import Answer, Limits, read_answer

_OFFLINE: Final = "X-Frigate-Offline"
"""The header of a picture that Frigate gives in place of a camera's: an old one, or
one that says so (0.17+)."""


class Pictures:
    """Fetches pictures; what they mean is said at the methods of `FrigateClient`."""

    def __init__(
        self,
        api: Api,
        *,
        limits: Limits,
        event: Callable[[str], Awaitable[TrackedObject | None]],
    ) -> None:
        """Keep whom to ask; `event` returns a tracked object."""
        self._api = api
        self._limits = limits
        self._event = event

    async def snapshot(self, event_id: str) -> bytes:
        """Return the picture of a tracked object."""
        what = "A snapshot"
        if not fits_route(event_id):
            raise MediaGone(f"{what}: Frigate has no object of this name")
        async with deadline(self._limits.snapshot, what):
            return await self._snapshot(event_id, what)

    async def latest(self, camera: str) -> bytes:
        """Return the newest picture of a camera."""
        what = "The newest picture"
        if not fits_route(camera):
            raise MediaGone(f"{what}: Frigate has no camera of this name")
        async with deadline(self._limits.snapshot, what):
            answer = await self._ask(what, camera, "latest.jpg")
            if answer.is_missing_item:
                raise MediaGone(f"{what}: {answer.message}")
            return await checked_picture(answer, what)

    async def _snapshot(self, event_id: str, what: str) -> bytes:
        segments = ("events", event_id, "snapshot.jpg")
        answer = await self._ask(what, *segments)
        if answer.is_missing_item:
            # Between the end of an object and its row in the database Frigate
            # (0.14 to 0.18) knows no snapshot of it, with the same words
            known = await self._event(event_id)
            if known is not None and known.end_time is None:
                raise MediaNotReady(f"{what}: {answer.message}")
            if known is not None and known.has_snapshot:
                answer = await self._ask(what, *segments)
            if answer.is_missing_item:
                raise MediaNeverThere(f"{what}: {answer.message}")
        return await checked_picture(answer, what)

    async def _ask(self, what: str, *segments: str) -> Answer:
        response = await self._api.open_media(*segments)
        async with response:
            if response.headers.get(_OFFLINE) == "true":
                raise MediaNotReady(f"{what}: the camera is offline")
            try:
                return await read_answer(response, limit=self._limits.image_bytes)
            except (FrigateUnreachable, FrigateServerError) as err:
                raise MediaBroken(f"{what}: {err}") from err
