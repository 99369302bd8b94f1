"""Frigate's version, as `/api/version` tells it."""

from dataclasses import dataclass, field
import re
from typing import Final, Self, override

_PATTERN: Final = re.compile(
    r"v?(?P<major>\d{1,4})\.(?P<minor>\d{1,4})(?:\.(?P<patch>\d{1,4}))?"
    r"(?:[-+.][0-9A-Za-z.+-]{1,64})?"
)


@dataclass(frozen=True, slots=True, order=True)
class FrigateVersion:
    """A release of Frigate; compares by its numbers alone.

    Betas look like their release: Frigate 0.18.0-beta1 calls itself
    `0.18.0-<commit>` as the release does.
    """

    major: int
    minor: int
    patch: int = 0
    text: str = field(default="", compare=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `0.17.2-3d4dd3a`, `0.14.1` or `v0.15`; raise ValueError for others."""
        text = text.strip()
        if (match := _PATTERN.fullmatch(text)) is None:
            raise ValueError("not a version number")
        return cls(
            major=int(match["major"]),
            minor=int(match["minor"]),
            patch=int(match["patch"] or 0),
            text=text,
        )

    @property
    def supported(self) -> bool:
        """Return whether this integration works with it."""
        return self >= OLDEST_SUPPORTED

    @override
    def __str__(self) -> str:
        """Return what Frigate said, or the bare numbers."""
        return self.text or f"{self.major}.{self.minor}.{self.patch}"


OLDEST_SUPPORTED: Final = FrigateVersion(0, 14)
"""The first version with reviews as they are today."""
