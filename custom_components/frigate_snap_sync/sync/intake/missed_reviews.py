"""Reviews that were missed: those that Frigate lists and the ledger lacks."""

from ...frigate.models import Review
from ...frigate.protocol import FrigateApi
from ..ledger import items as ledger_items, review_ends
from ..model.item import Media
from ..model.review_rules import last_moment
from ..services import Services
from .backfill import Backfill
from .comparison import Comparison, Window, serve
from .reviews import ReviewIntake


class MissedReviews:
    """Compares Frigate's reviews with the ledger, by id.

    Its methods raise FrigateError or LedgerError.
    """

    def __init__(
        self,
        client: FrigateApi,
        *,
        services: Services,
        reviews: ReviewIntake,
        backfill: Backfill,
    ) -> None:
        """Keep what it works with."""
        self._client = client
        self._ledger = services.ledger
        self._reviews = reviews
        self._backfill = backfill

    async def take(self, after: float, before: float, run: Comparison) -> int:
        """Take the reviews that last into a time; return how many were missed."""
        window, offset = run.window, self._client.clock_offset
        reviews = await self._client.reviews(
            after=after - offset, before=before - offset
        )
        ids = [review.id for review in reviews]
        known = await self._ledger.run(ledger_items.known, Media.RECORDINGS, ids)
        planned = await self._ledger.run(review_ends.guessed, ids)
        found = 0
        for review in sorted(reviews, key=lambda review: review.start_time):
            is_open = known.get(review.id)
            if is_open is False and not _is_longer(review, planned.get(review.id)):
                found += await serve(
                    self._backfill, Media.RECORDINGS, review.id, window
                )
                continue
            if is_open and not review.ended:
                continue
            if (
                is_open is None
                and review.ended
                and self._local(last_moment(review)) <= window.after
            ):
                continue  # Frigate lists an end that can't be one for ever.
            review = await self._reviews.with_end(review)
            found += await self._reviews.look_and_take(
                review,
                reported_at=window.before,
                only=None if is_open else self._wanting(review, window),
            )
        return found

    def _wanting(self, review: Review, window: Window) -> frozenset[str] | None:
        if not review.ended:
            return None
        return window.destinations(self._local(last_moment(review)))

    def _local(self, moment: float) -> float:
        """Return a moment of Frigate's clock in ours."""
        return moment + self._client.clock_offset


def _is_longer(review: Review, planned: float | None) -> bool:
    """Tell whether a review lasts longer than was `planned` when Frigate had lost it.

    None: it had not.
    """
    return planned is not None and (not review.ended or last_moment(review) > planned)
