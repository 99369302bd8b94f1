"""The HTTP API of the simulated Frigate: a path and a query in, an answer out."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from io import BytesIO
import json
import math
import re

from . import payloads
from .answers import Answer
from .auth import COOKIE, Auth, User
from .core import Frigate
from .model import Review, TrackedObject
from .pictures import background, frame
from .versions import NoFootage

type Query = Mapping[str, str]

_NOT_LISTED = "Access denied. A user with the admin role is required."
_NO_FOOTAGE = "No recordings found for the specified time range"


class _BadNumber(Exception):
    """A parameter that should be a number isn't one; holds its text."""


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise _BadNumber(text)
    return number


def _optional(query: Query, name: str) -> float | None:
    text = query.get(name)
    return None if text is None else _number(text)


def _wanted(query: Query, name: str, values: Iterable[str]) -> bool:
    """Tell whether any of the values passes the filter of that name."""
    text = query.get(name, "all")
    return text == "all" or not set(text.split(",")).isdisjoint(values)


class Api:
    """Answers requests out of the state of a `Frigate`."""

    def __init__(self, frigate: Frigate, auth: Auth | None) -> None:
        """Serve that Frigate; `auth` is needed for `/api/login` only."""
        self._frigate = frigate
        self._auth = auth
        self._clips: set[str] = set()
        # In order: the first whose pattern fits the whole path answers.
        self._routes: list[
            tuple[re.Pattern[str], Callable[..., Answer | Awaitable[Answer]]]
        ] = [
            (re.compile(pattern), answer)
            for pattern, answer in (
                (r"/api/", self._alive),
                (r"/api/version", self._version),
                (r"/api/config", self._config),
                (r"/api/stats", self._stats),
                (r"/api/review", self._reviews),
                (r"/api/review/([^/]+)", self._review),
                (r"/api/events", self._events),
                (r"/api/events/([^/]+)", self._event),
                (r"/api/events/([^/]+)/snapshot\.jpg", self._snapshot),
                (r"/api/([^/]+)/latest\.jpg", self._latest),
                (r"/api/([^/]+)/recordings", self._recordings),
                (r"/api/([^/]+)/recordings/summary", self._summary),
                (r"/api/([^/]+)/start/([^/]+)/end/([^/]+)/clip\.mp4", self._clip),
            )
        ]

    async def answer(
        self, method: str, path: str, query: Query, body: bytes, user: User | None
    ) -> Answer:
        """Answer a request; `path` is below the base path, decoded.

        `user` is whose token it came with, None on the internal port.
        """
        if path == "/api/login" and method == "POST":
            return self._login(body)
        if method not in {"GET", "HEAD"}:
            return Answer.json({"detail": "Method Not Allowed"}, status=405)
        for pattern, handler in self._routes:
            if match := pattern.fullmatch(path):
                try:
                    answer = handler(query, user, *match.groups())
                    return answer if isinstance(answer, Answer) else await answer
                except _BadNumber as err:
                    return Answer.not_a_number(str(err))
        return Answer.json({"detail": "Not Found"}, status=404)

    def _login(self, body: bytes) -> Answer:
        if self._auth is None:
            return Answer.json({"message": "Authentication is disabled"}, status=404)
        try:
            sent = json.loads(body)
            name, password = str(sent["user"]), str(sent["password"])
        except ValueError, TypeError, KeyError:
            return Answer.json({"detail": [{"type": "missing"}]}, status=422)
        version = self._frigate.version
        token = self._auth.login(name, password, version)
        if token is None:
            return Answer.json({"message": "Login failed"}, status=401)
        headers = {"Set-Cookie": self._auth.cookie(token, version)}
        return Answer(headers=headers)

    # What Frigate says of itself

    def _alive(self, _query: Query, _user: User | None) -> Answer:
        return Answer.text("Frigate is running. Alive and healthy!")

    def _version(self, _query: Query, _user: User | None) -> Answer:
        return Answer.text(self._frigate.version.full)

    def _config(self, _query: Query, _user: User | None) -> Answer:
        return Answer.json(self._frigate.config())

    def _stats(self, _query: Query, _user: User | None) -> Answer:
        return Answer.json(self._frigate.stats())

    # Reviews

    def _review_row(self, review: Review, *, item: bool) -> dict[str, object]:
        version = self._frigate.version
        row: dict[str, object] = payloads.review_row(version, review)
        if not item or version.minor <= 15:
            row["has_been_reviewed"] = review.reviewed
        return row

    def _reviews(self, query: Query, user: User | None) -> Answer:
        now = self._frigate.clock()
        after = _optional(query, "after")
        before = _optional(query, "before")
        limit = _optional(query, "limit")
        reviewed = _optional(query, "reviewed")
        after = now - 86400 if after is None else after
        before = now if before is None else before
        rows = [
            self._review_row(review, item=False)
            for review in self._frigate.newest_reviews()
            if self._in_time(review, after, before)
            and self._in_filters(review, query, reviewed)
            and _may_see(user, review.camera)
        ]
        return Answer.json(rows if limit is None else rows[: int(limit)])

    def _in_time(self, review: Review, after: float, before: float) -> bool:
        end = math.inf if review.end is None else review.end
        if self._frigate.version.filters_by_overlap:
            return review.start < before and end > after
        return review.start > after and (review.end is None or end < before)

    def _in_filters(self, review: Review, query: Query, reviewed: float | None) -> bool:
        version = self._frigate.version
        if version.hides_reviewed:
            if not reviewed and review.reviewed:
                return False
        elif reviewed is not None and bool(reviewed) is not review.reviewed:
            return False
        # Newer ones know only the cameras of the current configuration.
        if version.minor >= 17 and review.camera not in self._frigate.cameras:
            return False
        data = payloads.review_row(version, review)["data"]
        return (
            query.get("severity", review.severity) == review.severity
            and _wanted(query, "cameras", [review.camera])
            and _wanted(query, "labels", data["objects"])
            and _wanted(query, "zones", data["zones"])
        )

    def _review(self, _query: Query, user: User | None, key: str) -> Answer:
        review = self._frigate.reviews.get(key)
        if review is None:
            return Answer.failure(404, "Review item not found")
        if not _may_see(user, review.camera):
            return Answer.json({"detail": _NOT_LISTED}, status=403)
        return Answer.json(self._review_row(review, item=True))

    # Tracked objects

    def _events(self, query: Query, user: User | None) -> Answer:
        after = _optional(query, "after")
        before = _optional(query, "before")
        limit = _optional(query, "limit")
        shortest = _optional(query, "min_length")

        def fits(tracked: TrackedObject) -> bool:
            flags = {
                "has_snapshot": tracked.has_snapshot,
                "has_clip": tracked.has_clip,
                "in_progress": tracked.end is None,
            }
            return (
                tracked.confirmed
                and (after is None or tracked.start > after)
                and (before is None or tracked.start < before)
                and (shortest is None or _lasted(tracked, shortest))
                and _wanted(query, "cameras", [tracked.camera])
                and _wanted(query, "labels", [tracked.label])
                and all(
                    bool(_number(query[name])) is value
                    for name, value in flags.items()
                    if name in query
                )
                and _may_see(user, tracked.camera)
            )

        newest = sorted(self._frigate.objects.values(), key=lambda one: -one.start)
        rows = [
            payloads.event_row(self._frigate.version, tracked, item=False)
            for tracked in newest
            if fits(tracked)
        ]
        return Answer.json(rows[: 100 if limit is None else int(limit)])

    def _event(self, _query: Query, user: User | None, key: str) -> Answer:
        tracked = self._frigate.objects.get(key)
        if tracked is None or not tracked.confirmed:
            return Answer.json("Event not found", status=404)
        if not _may_see(user, tracked.camera):
            return Answer.json({"detail": _NOT_LISTED}, status=403)
        return Answer.json(
            payloads.event_row(self._frigate.version, tracked, item=True)
        )

    def _snapshot(self, _query: Query, user: User | None, key: str) -> Answer:
        tracked = self._frigate.objects.get(key)
        if tracked is None:
            return Answer.failure(404, "Live frame not available")
        if not _may_see(user, tracked.camera):
            return Answer.json({"detail": _NOT_LISTED}, status=403)
        image = self._frigate.object_picture(tracked)
        if image is None:
            return Answer.failure(404, "Snapshot not available")
        return Answer(body=image, content_type="image/jpeg")

    def _latest(self, _query: Query, user: User | None, name: str) -> Answer:
        if name not in self._frigate.cameras:
            return Answer.failure(404, "Camera not found")
        if not _may_see(user, name):
            return Answer.json({"detail": _NOT_LISTED}, status=403)
        size = (payloads.WIDTH, payloads.HEIGHT)
        picture = background(name, size)
        if self._frigate.cameras[name].sends:
            picture = frame(picture, name, self._frigate.clock())
        encoded = BytesIO()
        picture.save(encoded, "JPEG")
        return Answer(body=encoded.getvalue(), content_type="image/jpeg")

    # Footage

    def _recordings(self, query: Query, user: User | None, name: str) -> Answer:
        after, before = _optional(query, "after"), _optional(query, "before")
        camera = self._frigate.cameras.get(name)
        # The defaults of a real one are of no use: those of its start.
        if camera is None or after is None or before is None:
            return Answer.json([])
        if not _may_see(user, name):
            return Answer.json({"detail": _NOT_LISTED}, status=403)
        now = self._frigate.clock()
        return Answer.json(
            [
                payloads.recording_row(self._frigate.version, segment)
                for segment in camera.footage.segments(after, before, now=now)
            ]
        )

    def _summary(self, query: Query, user: User | None, name: str) -> Answer:
        if query.get("timezone", "utc") != "utc":
            return Answer.failure(501, "Only UTC is simulated")
        camera = self._frigate.cameras.get(name)
        if camera is None:
            return Answer.json([])
        if not _may_see(user, name):
            return Answer.json({"detail": _NOT_LISTED}, status=403)
        now = self._frigate.clock()
        segments = camera.footage.segments(camera.footage.began, now, now=now)
        clips = [
            tracked.start
            for tracked in self._frigate.objects.values()
            if tracked.camera == name and tracked.has_clip
        ]
        return Answer.json(payloads.recordings_summary(segments, clips))

    async def _clip(
        self, _query: Query, user: User | None, camera: str, start: str, end: str
    ) -> Answer:
        version = self._frigate.version
        if version.plain_clips and not _numbers_as_in_014(start, end):
            return Answer.nginx(404, "Not Found")
        first, last = _number(start), _number(end)
        if not _may_see(user, camera):
            return Answer.json({"detail": _NOT_LISTED}, status=403)
        footage = self._frigate.cameras.get(camera)
        now = self._frigate.clock()
        if footage is None or not any(
            True for _ in footage.footage.segments(first, max(first, last), now=now)
        ):
            return self._no_footage()
        pieces = self._frigate.clip(camera, first, last)
        clip = f"{camera}/{start}/{end}"
        if clip in self._clips:
            # Two requests at once write the same list of segments: one loses.
            pieces = []
        self._clips.add(clip)
        try:
            body = await asyncio.to_thread(
                self._frigate.video.clip, camera, pieces, plain=version.plain_clips
            )
        finally:
            self._clips.discard(clip)
        return Answer(
            body=body, content_type="video/mp4", chunked=not version.plain_clips
        )

    def _no_footage(self) -> Answer:
        match self._frigate.version.no_footage:
            case NoFootage.BAD_REQUEST:
                return Answer.failure(400, _NO_FOOTAGE)
            case NoFootage.SERVER_ERROR:
                message = "Could not create clip from recordings"
                return Answer.failure(500, message)
            case NoFootage.EMPTY:
                return Answer(content_type="video/mp4", chunked=True)


def _lasted(tracked: TrackedObject, seconds: float) -> bool:
    """Tell whether an object has ended that lasted so long; as SQL does, with nulls."""
    return tracked.end is not None and tracked.end - tracked.start >= seconds


def _may_see(user: User | None, camera: str) -> bool:
    return user is None or user.cameras is None or camera in user.cameras


def _numbers_as_in_014(start: str, end: str) -> bool:
    """Tell whether both are whole numbers, or both have a decimal point."""
    return any(
        re.fullmatch(form, start) and re.fullmatch(form, end)
        for form in (r"\d+", r"\d+\.\d+")
    )


def token_of(authorization: str | None, cookies: Mapping[str, str]) -> str | None:
    """Return the token that came with a request."""
    if authorization and authorization.startswith("Bearer "):
        return authorization.removeprefix("Bearer ")
    return cookies.get(COOKIE)
