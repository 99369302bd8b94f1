"""How long the simulated Frigate takes for things."""

from dataclasses import dataclass
from typing import Self

from .versions import Version


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Seconds. `Timing.of` gives those of the real program.

    Footage lies in segments of `segment` seconds (even: a keyframe comes every
    two seconds). A segment is served between `available[0]` and `available[1]`
    seconds after its first moment, never before its last.
    """

    segment: int = 10
    available: tuple[float, float] = (10, 17)
    alert_cutoff: float = 40
    detection_cutoff: float = 30
    confirm: float = 0.8
    """From an object's first frame to its first `events` message."""
    update: float = 0.7
    """From one `events` message of an object to the next."""

    def __post_init__(self) -> None:
        """Refuse what can't be."""
        if self.segment < 2 or self.segment % 2:
            raise ValueError("A segment must have an even number of seconds")
        if not self.segment <= self.available[0] <= self.available[1]:
            raise ValueError("A segment is served only after its end")

    @classmethod
    def of(cls, version: Version) -> Self:
        """Return the timing of a real Frigate of that version."""
        return cls(
            alert_cutoff=version.alert_cutoff,
            detection_cutoff=version.detection_cutoff,
        )

    def scaled(self, factor: float) -> Self:
        """Return a faster (`factor` below 1) or slower copy."""
        segment = max(2, 2 * round(self.segment * factor / 2))
        late = [(moment - self.segment) * factor for moment in self.available]
        return type(self)(
            segment=segment,
            available=(segment + late[0], segment + late[1]),
            alert_cutoff=self.alert_cutoff * factor,
            detection_cutoff=self.detection_cutoff * factor,
            confirm=self.confirm * factor,
            # Not more often: that would be a load that no real one makes.
            update=max(self.update, self.update * factor),
        )
