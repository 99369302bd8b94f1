"""First signs of something before cameras, whose film leaves before their reviews come."""

from collections.abc import Collection
from dataclasses import dataclass
import secrets

from ..ledger import live_hints
from ..model.item import Item, Media
from ..model.timing import Timing


@dataclass(slots=True, kw_only=True)
class Hint:
    """A sign: `item` stands for its review, which gives the film a name of its own.

    The camera is watched `until` then (steady clock), its film leaves `sends_until`.
    """

    item: Item
    until: float
    sends_until: float


class Hints:
    """The cameras of which there was a sign, and no review yet.

    Film that leaves by a sign is for nothing when no review follows. So that a camera with
    many such signs costs little, it is then only watched for a while, and what it shows
    leaves with the review.
    """

    def __init__(self, timing: Timing) -> None:
        """Begin with none."""
        self._timing = timing
        self._hints: dict[str, Hint] = {}
        self._fruitless: dict[str, float] = {}
        """Until when signs of cameras are no reason to send film, by a steady clock."""
        self._young: dict[str, float] = {}
        """Until when the newest signs of cameras are young, reviews or not."""

    def __len__(self) -> int:
        """Return of how many cameras there are signs."""
        return len(self._hints)

    def note(self, camera: str, *, now: float, moment: float) -> None:
        """Take a sign; `now` is by a steady clock, `moment` by Frigate's."""
        until = self._young[camera] = now + self._timing.live_hint
        hint = self._hints.get(camera)
        if hint is None:
            is_fruitless = self._fruitless.get(camera, 0.0) > now
            hint = self._hints[camera] = Hint(
                item=_item(camera, moment),
                until=until,
                sends_until=now if is_fruitless else until,
            )
        hint.until = until

    def active(
        self, now: float, *, busy: Collection[str], lost: Collection[str] = ()
    ) -> list[Hint]:
        """Return the signs that are young; the reviews of `busy` cameras have come.

        Of those that are `lost`, no film comes any more: who took the recorder took the
        review, too. What has left of them is kept until there is film again.
        """
        for camera in self._hints.keys() & set(lost):
            hint = self._hints[camera]
            hint.until = now + self._timing.live_hint
            if hint.sends_until > now:
                hint.sends_until = hint.until
        self._fruitless = {
            camera: until
            for camera, until in self._fruitless.items()
            if until > now and camera not in busy
        }
        self._hints = {
            camera: hint for camera, hint in self._hints.items() if camera not in busy
        }
        for camera, hint in self._hints.items():
            if hint.sends_until <= now:
                self._fruitless[camera] = now + self._timing.live_fruitless
        self._hints = {
            camera: hint for camera, hint in self._hints.items() if hint.until > now
        }
        return list(self._hints.values())

    def young(self, now: float) -> Collection[str]:
        """Return the cameras with a young sign, whether a review has come or not."""
        self._young = {
            camera: until for camera, until in self._young.items() if until > now
        }
        return self._young.keys()

    def clear(self) -> None:
        """Forget all signs."""
        self._hints.clear()
        self._young.clear()


def _item(camera: str, moment: float) -> Item:
    """Return what stands for a review that is not known yet: it may be an alert."""
    return Item(
        media=Media.RECORDINGS,
        source_id=live_hints.name_of(camera, moment, secrets.token_hex(3)),
        camera=camera,
        label="",
        labels=frozenset(),
        zones=frozenset(),
        severity=None,
        start=moment,
        end=None,
        reported_at=moment,
    )
