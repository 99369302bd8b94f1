"""What differs between the versions of Frigate that the simulator can be."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self


class NoFootage(StrEnum):
    """How a clip of a range without footage is answered."""

    SERVER_ERROR = "500"  # 0.14
    EMPTY = "200 with an empty body"  # 0.15 and 0.16
    BAD_REQUEST = "400"  # 0.17+


# Ends of the version strings, as seen on real ones; only for the looks.
_BUILDS = {"0.16.4": "4131252", "0.17.2": "3d4dd3a", "0.18.0": "e3fa701"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A version of Frigate, with its behavior as properties."""

    text: str
    minor: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Make one of `0.17.2`; raises ValueError if it isn't a 0.x version."""
        major, minor, *_ = text.split(".")
        if major != "0":
            raise ValueError(f"No such version of Frigate: {text}")
        return cls(text=text, minor=int(minor))

    @property
    def full(self) -> str:
        """What `/api/version` says."""
        return f"{self.text}-{_BUILDS.get(self.text, '0a1b2c3')}"

    @property
    def config_version(self) -> str:
        """The version of the configuration's format, not of the program."""
        return "0.14" if self.minor == 14 else f"0.{self.minor}-0"

    @property
    def alert_cutoff(self) -> float:
        """Seconds without activity after which an alert ends."""
        return 40 if self.minor >= 17 else 30

    @property
    def detection_cutoff(self) -> float:
        """Seconds without activity after which a detection ends."""
        return 30

    @property
    def no_footage(self) -> NoFootage:
        """The answer to a clip request for a range without footage."""
        if self.minor >= 17:
            return NoFootage.BAD_REQUEST
        return NoFootage.EMPTY if self.minor >= 15 else NoFootage.SERVER_ERROR

    @property
    def plain_clips(self) -> bool:
        """Whether clips are plain MP4 files with a Content-Length."""
        return self.minor == 14

    @property
    def hides_reviewed(self) -> bool:
        """Whether `/api/review` leaves out reviewed items unless asked."""
        return self.minor <= 16

    @property
    def filters_by_overlap(self) -> bool:
        """Whether `after` and `before` of `/api/review` mean an overlap."""
        return self.minor >= 16

    @property
    def early_snapshots(self) -> bool:
        """Whether the MQTT snapshot comes at the object's creation."""
        return self.minor >= 16

    @property
    def splits_reviews(self) -> bool:
        """Whether any change of the record config ends the running review."""
        return self.minor >= 17

    @property
    def says_stopped(self) -> bool:
        """Whether an orderly stop publishes `stopped`."""
        return self.minor >= 18
