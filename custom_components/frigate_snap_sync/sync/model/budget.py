"""A monthly volume budget: what may still be sent when so much of it is used. All pure."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, tzinfo
from enum import StrEnum
from typing import Final

from ...frigate.models import Severity
from .item import Item, Media, Role

HELD_BACK: Final = "budget"
"""Why an upload ended that Frigate had nothing of any more when it might have left."""


class Sendable(StrEnum):
    """What a budget tells apart."""

    LIVE_SNAPSHOT = "live_snapshot"
    ALERT_SNAPSHOT = "alert_snapshot"
    DETECTION_SNAPSHOT = "detection_snapshot"
    ALERT_PART = "alert_part"
    """Also live footage of an alert."""
    DETECTION_PART = "detection_part"
    ALERT_WHOLE = "alert_whole"
    DETECTION_WHOLE = "detection_whole"


_ALERTS: Final = frozenset(
    {
        Sendable.LIVE_SNAPSHOT,
        Sendable.ALERT_SNAPSHOT,
        Sendable.ALERT_PART,
        Sendable.ALERT_WHOLE,
    }
)

STAGES: Final[tuple[tuple[int, frozenset[Sendable]], ...]] = (
    (100, frozenset({Sendable.LIVE_SNAPSHOT})),
    (95, _ALERTS - {Sendable.ALERT_WHOLE}),
    (80, _ALERTS),
    (0, frozenset(Sendable)),
)
"""From how many percent of the budget on only what is sent. The manual has the same."""


def percent_used(used: int, budget: int) -> float:
    """Return how much of a budget is used; both are in bytes."""
    return used * 100 / budget


def sendable(used: int, budget: int) -> AbstractSet[Sendable]:
    """Return what may be sent when `used` bytes of a budget are, 0 for no budget."""
    percent = percent_used(used, budget) if budget else 0.0
    return next(sent for begin, sent in STAGES if percent >= begin)


def held_back(used: int, budget: int) -> frozenset[Sendable]:
    """Return what may not be sent when so many bytes of a budget are used."""
    return frozenset(Sendable) - sendable(used, budget)


def kind_of(media: Media, role: Role, severity: Severity | None) -> Sendable:
    """Return what a file of an item is to a budget.

    What has no severity counts as an alert, as for a selection. The beginning of what
    can't be had whole is as large as a whole.
    """
    is_alert = severity is not Severity.DETECTION
    if media is Media.LIVE_SNAPSHOTS:
        return Sendable.LIVE_SNAPSHOT
    if media is Media.SNAPSHOTS:
        return Sendable.ALERT_SNAPSHOT if is_alert else Sendable.DETECTION_SNAPSHOT
    if role is Role.PART:
        return Sendable.ALERT_PART if is_alert else Sendable.DETECTION_PART
    return Sendable.ALERT_WHOLE if is_alert else Sendable.DETECTION_WHOLE


def kind_of_item(item: Item, role: Role) -> Sendable:
    """Return what a file of this role is to a budget."""
    return kind_of(item.media, role, item.severity)


def month_of(moment: float, time_zone: tzinfo) -> str:
    """Return the calendar month of a moment (epoch seconds): `2026-11`."""
    return f"{datetime.fromtimestamp(moment, time_zone):%Y-%m}"


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetStatus:
    """How much of a monthly budget is used: bytes, and the month, as in `2026-11`."""

    used: int
    budget: int
    month: str

    @property
    def percent(self) -> float:
        """Return how much of it is used."""
        return percent_used(self.used, self.budget)

    @property
    def is_spent(self) -> bool:
        """Tell whether nothing but live snapshots is sent any more."""
        return self.used >= self.budget

    @property
    def holds_back(self) -> bool:
        """Tell whether something waits for the next month."""
        return bool(held_back(self.used, self.budget))
