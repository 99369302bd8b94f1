"""What lies at the destinations, as it is browsed and found again: frozen values."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as BinasciiError
from collections.abc import Mapping
from dataclasses import dataclass, field
import re
from typing import Final, Self

from .item import Media, Role

_PLAIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
"""Ids that are legal in a URL and a media id as they are."""
_ROLES: Final = "|".join(sorted(set(Role) - {Role.WHOLE}))
_NAME: Final = re.compile(rf"(?:({_ROLES})-)?(\d{{1,9}})\.(jpg|mp4)")
_PIECES: Final = 10_000
"""More than one live file has; its number has four digits in a path, too."""


def film_number(live: int, piece: int | None) -> int:
    """Return the number of a live file, or of one of its pieces, among an item's."""
    return live * _PIECES + (piece or 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileKey:
    """Which file it is, wherever it lies: the same after a restart or a restore.

    `is_still`: it is a picture of the film of a camera that is seen in stills.
    """

    media: Media
    source_id: str
    role: Role = Role.WHOLE
    number: int = 1
    is_still: bool = False

    @property
    def extension(self) -> str:
        """Return the ending of its name, without the dot."""
        return "jpg" if self.is_still else self.media.extension

    @property
    def is_video(self) -> bool:
        """Tell whether it plays; else it is a picture."""
        return self.media is Media.RECORDINGS and not self.is_still

    @property
    def film(self) -> tuple[int, int | None]:
        """Return the number of the live file that it is of, and that of its piece."""
        live, piece = divmod(self.number, _PIECES)
        return live, piece or None

    @property
    def token(self) -> str:
        """Return the item's id as it may stand in a URL."""
        if _PLAIN.fullmatch(self.source_id):
            return self.source_id
        data = self.source_id.encode("utf-8", "surrogatepass")
        return "~" + urlsafe_b64encode(data).decode().rstrip("=")

    @property
    def name(self) -> str:
        """Return what tells it from the item's other files, with its ending."""
        prefix = "" if self.role is Role.WHOLE else f"{self.role}-"
        return f"{prefix}{self.number}.{self.extension}"

    @classmethod
    def parse(cls, kind: str, token: str, name: str) -> Self:
        """Return the key that `Media.kind`, `token` and `name` stand for.

        Raises ValueError if they stand for none.
        """
        media = Media(f"{kind}s")
        match = _NAME.fullmatch(name)
        if match is None:
            raise ValueError(f"not the name of a file: {name!r}")
        source_id = token
        if token.startswith("~"):
            padding = "=" * (-len(token[1:]) % 4)
            try:
                data = urlsafe_b64decode(token[1:] + padding)
                # Half a letter is no text, and no item's id.
                source_id = data.decode("utf-8")
            except (BinasciiError, UnicodeDecodeError) as err:
                raise ValueError(f"not the id of an item: {token!r}") from err
        key = cls(
            media=media,
            source_id=source_id,
            role=Role(match[1] or Role.WHOLE),
            number=int(match[2]),
            is_still=match[1] == Role.LIVE and match[3] != media.extension,
        )
        if (key.token, key.name) != (token, name):
            raise ValueError(f"not the one name of a file: {token!r}, {name!r}")
        return key


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownNames:
    """What is shown in the place of what Frigate says: by its names and severities."""

    cameras: Mapping[str, str] = field(default_factory=dict)
    severities: Mapping[str, str] = field(default_factory=dict)

    def word(self, text: str) -> SearchWord:
        """Return a word of a search with what is shown as something that holds it."""

        def holding(shown: Mapping[str, str]) -> frozenset[str]:
            word = text.casefold()
            return frozenset(
                key for key, name in shown.items() if word in name.casefold()
            )

        return SearchWord(
            text=text,
            cameras=holding(self.cameras),
            severities=holding(self.severities),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchWord:
    """A word of a search; `cameras` and `severities` fit it by what they are called."""

    text: str
    cameras: frozenset[str] = frozenset()
    severities: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """A file at one destination: its path there and its size when it was verified.

    One that `is_growing` has another size whenever it is looked at.
    """

    destination_id: str
    path: str
    size: int | None
    is_growing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaFile:
    """A file that lies at a destination at least, as it is shown.

    `labels` are sorted, the most telling first where Frigate says which. Times are
    epoch seconds, those of this piece of a long recording; `end` is None while a review
    is active. `thumbnail` is a small picture of it, None if none lies anywhere.
    """

    key: FileKey
    camera: str
    labels: tuple[str, ...]
    severity: str | None
    start: float
    end: float | None
    size: int | None
    thumbnail: FileKey | None
