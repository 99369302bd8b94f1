"""The door to what lies at the destinations: it is listed, opened and read.

Media browser and HTTP take from here what they need; nothing of this starts work.
"""

from .frigate.models import Severity
from .sync.engine import LedgerError
from .sync.model.item import Media, Role
from .sync.model.stored import FileKey, MediaFile, ShownNames
from .sync.playback.byte_ranges import Span, Unsatisfiable, asked_span
from .sync.playback.playback import MAX_ITEMS, Playback
from .sync.playback.reading import ENDINGS, NotNow, NotThere, Reading

__all__ = [
    "ENDINGS",
    "MAX_ITEMS",
    "FileKey",
    "LedgerError",
    "Media",
    "MediaFile",
    "NotNow",
    "NotThere",
    "Playback",
    "Reading",
    "Role",
    "Severity",
    "ShownNames",
    "Span",
    "Unsatisfiable",
    "asked_span",
]
