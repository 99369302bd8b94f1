"""What one Frigate's engine is set up with: the owner's options, its files."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from ...frigate.models import Severity


class LiveFootage(StrEnum):
    """Of which reviews the film leaves while they are active."""

    OFF = "off"
    ALERTS = "alerts"
    ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineOptions:
    """The owner's options; times are in seconds, `spool_limit` is in bytes."""

    delay_after_startup: float = 0
    padding_before: float = 5
    padding_after: float = 5
    upload_during_review: bool = True
    part_length: int = 30
    look_back: float = 24 * 3600
    spool_limit: int = 2048 << 20
    at_risk_after: float = 900
    """How long an outage may last before the owner is at risk."""
    live_footage: LiveFootage = LiveFootage.ALERTS
    live_taps: int = 4
    """Of how many cameras at once."""
    follows_topic_prefix: bool = True
    """Whether Frigate's own topic prefix is meant, not one that the owner chose."""

    def films(self, severity: Severity | None) -> bool:
        """Tell whether film of a review of this severity leaves, if any does."""
        return (
            self.live_footage is not LiveFootage.ALERTS
            or severity is not Severity.DETECTION
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class EnginePaths:
    """Where an engine keeps its files: the ledger, a file; the spool, a folder."""

    ledger: Path
    spool: Path

    @property
    def generation(self) -> Path:
        """Return where the ledger's number lies: beside the spool, in no backup."""
        return self.spool.with_name(f"{self.spool.name}.generation")
