"""What every section of the bench works with."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """A folder for what a section needs, and how thorough it is to be."""

    folder: Path
    rounds: int
    say: Callable[[str], None]
    """Tells whoever waits how far it is."""
    notes: dict[str, None] = field(default_factory=dict)
    """What a reader of the figures must know, in order."""

    def within(self, folder: Path) -> Self:
        """Return the same for another folder; notes are shared."""
        return replace(self, folder=folder)

    def note(self, text: str) -> None:
        """Let the reader of the figures know something, once."""
        self.notes[text] = None
