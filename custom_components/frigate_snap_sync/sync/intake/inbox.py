"""The inbox: Frigate's messages, from the MQTT callback until they are kept."""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
import logging
import time

from ..services import Services

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RawMessage:
    """A message as it came; `received` is our clock's time (epoch seconds).

    `arrived` is the same moment in seconds of a clock that never jumps.
    """

    topic: str
    payload: bytes
    retain: bool
    received: float
    arrived: float


class Inbox:
    """A bounded queue that never makes the sender wait."""

    def __init__(
        self,
        topic_prefix: str,
        *,
        services: Services,
        is_wanted: Callable[[str], bool] = lambda _: True,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin empty; `steady` is a clock that never jumps, in seconds.

        `is_wanted` tells whether images of a camera would be kept: else losing one is
        no loss.
        """
        self.has_received = False
        """Whether this link brought a message that is no replay of an old one."""
        self.lost_images = 0
        """How many images were lost before they could be kept."""
        self.large_images = 0
        """How many images were not taken: they were too large."""
        self._limits = services.limits
        self._signals = services.signals
        self._is_wanted = is_wanted
        self._steady = steady
        self._last_message_at = self._steady()
        self._earlier_silence = 0.0
        """The seconds that nothing had been heard for when the last link broke."""
        self._prefix = f"{topic_prefix}/"
        self._events_topic = f"{topic_prefix}/events"
        self._stats_topic = f"{topic_prefix}/stats"
        self._messages: deque[RawMessage] = deque()
        self._bytes = 0
        self._news = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()
        self._overflowing = False

    def __len__(self) -> int:
        """Return the number of messages that were not worked through yet."""
        return len(self._messages)

    @property
    def silence(self) -> float:
        """Return for how many seconds nothing was heard, replays of old words aside."""
        return self._steady() - self._last_message_at

    @property
    def oldest_for(self) -> float | None:
        """Return for how many seconds the oldest message has been waiting, if any."""
        if not self._messages:
            return None
        return self._steady() - self._messages[0].arrived

    def lose_link(self) -> None:
        """Count the silence no more: nothing can be heard until `listen`."""
        self.has_received = False
        self._earlier_silence = self.silence

    def listen(self) -> None:
        """Count the silence on, over a link that was made now."""
        self._last_message_at = self._steady() - self._earlier_silence

    def forget_lost_images(self, count: int, *, large: int = 0) -> None:
        """Count so many lost images no more: the ledger knows that there were some."""
        self.lost_images -= count
        self.large_images -= large

    def add(self, topic: str, payload: bytes, *, retain: bool) -> None:
        """Queue a message; never waits, never raises, forgets the oldest when full."""
        if not retain and self._is_ours(topic):
            self.has_received = True
            self._last_message_at = self._steady()
        if topic == self._stats_topic or (
            topic == self._events_topic
            and b'"end"' not in payload
            and b'"new"' not in payload
        ):
            # The first is only a sign of life; of the second, which come many times
            # a second, beginnings and ends matter, and must not be pushed out.
            return
        if len(payload) > self._limits.payload_bytes:
            _LOGGER.warning(
                "A message of %d bytes on %s is ignored", len(payload), topic[:200]
            )
            if self._is_image(topic, retain=retain):
                self.large_images += 1
            self._signals.messages_missed()
            return
        self._messages.append(
            RawMessage(
                topic=topic,
                payload=payload,
                retain=retain,
                received=time.time(),
                arrived=self._steady(),
            )
        )
        self._bytes += len(payload)
        if self._is_full():
            if not self._overflowing:
                _LOGGER.error(
                    "Frigate's messages come faster than they can be kept; "
                    "the oldest are dropped"
                )
            is_news, self._overflowing = not self._overflowing, True
            while self._is_full():
                self._note_lost(self._messages[0])
                self._drop_first()
            if is_news:
                self._signals.messages_missed()
        self._empty.clear()
        self._news.set()

    async def first(self) -> RawMessage:
        """Wait for the oldest message; it stays queued until `remove`."""
        while not self._messages:
            if self._overflowing:
                self._overflowing = False
                # What was asked for when it began may have ended before it.
                self._signals.messages_missed()
            self._empty.set()
            self._news.clear()
            await self._news.wait()
        return self._messages[0]

    def remove(self, raw: RawMessage) -> None:
        """Take a message out, if it was not pushed out meanwhile."""
        if self._messages and self._messages[0] is raw:
            self._drop_first()

    def lose_large_image(self, raw: RawMessage) -> None:
        """Take an image out that is larger than any that is kept."""
        if self._is_image(raw.topic, retain=raw.retain):
            self.large_images += 1
        self.remove(raw)
        self._signals.messages_missed()

    def lose(self, raw: RawMessage) -> None:
        """Take a message out that could not be kept, and never will."""
        self._note_lost(raw)
        self.remove(raw)
        self._signals.messages_missed()

    def lose_all(self) -> None:
        """Take out what is still there: it can't be kept any more."""
        while self._messages:
            self._note_lost(self._messages[0])
            self._drop_first()
        self._empty.set()

    async def drained(self, seconds: float | None = None) -> None:
        """Wait until all that was said so far is kept, at most so many seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._empty.wait()

    def _is_ours(self, topic: str) -> bool:
        """Tell whether our Frigate surely said it.

        A label may hold a slash. But so begins the prefix of another Frigate, too,
        whose images are no sign of ours.
        """
        return topic.removeprefix(self._prefix).count("/") < 3

    def _is_full(self) -> bool:
        return (
            len(self._messages) > self._limits.messages
            or self._bytes > self._limits.message_bytes
        )

    def _note_lost(self, raw: RawMessage) -> None:
        if self._is_image(raw.topic, retain=raw.retain):
            self.lost_images += 1

    def _drop_first(self) -> None:
        self._bytes -= len(self._messages.popleft().payload)

    def _is_image(self, topic: str, *, retain: bool) -> bool:
        """Tell whether a message may be a live snapshot that is wanted.

        All else is in Frigate's API, too.
        """
        if retain or not topic.endswith("/snapshot"):
            return False
        return self._is_wanted(topic.removeprefix(self._prefix).partition("/")[0])
