"""What a destination wants of what Frigate has. All pure."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import chain
import unicodedata

from ...frigate.fields import MAX_LABELS, clean_text
from ...frigate.models import Severity
from .item import Item, Media

_MAX_LABEL_BYTES = 8192
"""Of an item's labels, and of its zones, in UTF-8."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What a destination wants. An empty set means all."""

    media: frozenset[Media] = frozenset(Media)
    cameras: frozenset[str] = frozenset()
    labels: frozenset[str] = frozenset()
    zones: frozenset[str] = frozenset()
    severity: Severity | None = None
    live_footage: bool = False
    """Whether it takes film while it happens, too."""


def wants(selection: Selection | None, item: Item) -> bool:
    """Tell whether a destination wants the item, or may want it.

    Without a selection, which can't be read, everything waits for the destination
    until it can: then what it does not want is skipped.

    Severity and zones don't apply to live snapshots: Frigate tells neither.
    A tracked object without a severity passes as an alert, for a copy too many
    does less harm than one too few. Frigate 0.14 tells none, and its review, from
    which one might guess, can't be asked for by its object (from 0.15 on it can).
    Labels and zones are compared without regard to case; of several names in one
    text ("Anna, Bob") each counts.
    """
    if selection is None:
        return True
    if item.media not in selection.media:
        return False
    if not _has_camera(selection, item.camera):
        return False
    if selection.labels and not _words(selection.labels) & _words(item.labels):
        return False
    if item.media is Media.LIVE_SNAPSHOTS:
        return True
    if selection.zones and not _words(selection.zones) & _words(item.zones):
        return False
    return selection.severity is None or item.severity in (None, selection.severity)


def wants_live(selection: Selection | None, item: Item) -> bool:
    """Tell whether a destination wants the film of a review while it happens.

    Whether it wants the recording later is another question.
    """
    if selection is None or not selection.live_footage:
        return False
    return wants(replace(selection, media=frozenset({item.media})), item)


def may_want(selection: Selection | None, media: Media, camera: str | None) -> bool:
    """Tell whether a destination may want some items of this kind, of any camera or one."""
    if selection is None:
        return True
    return media in selection.media and _has_camera(selection, camera)


def takes_any(selection: Selection | None, cameras: Iterable[str]) -> bool:
    """Tell whether a destination takes any of these cameras, whatever else it selects."""
    return selection is None or any(_has_camera(selection, each) for each in cameras)


def wants_live_of(selection: Selection | None, camera: str) -> bool:
    """Tell whether a destination may want the live film of a camera."""
    if selection is None or not selection.live_footage:
        return False
    return _has_camera(selection, camera)


def _has_camera(selection: Selection, camera: str | None) -> bool:
    """Tell whether a camera is selected; None is any camera."""
    return camera is None or not selection.cameras or camera in selection.cameras


def bounded(
    item: Item, *, known: Item | None = None, selections: Iterable[Selection]
) -> Item:
    """Return the item with as many labels and zones as may be kept of it.

    A message may bring ever new ones. Kept is what was known before, then what one
    of the `selections` asks for, however late it comes, then others up to the
    limit in number and bytes.
    """
    asked = tuple(selections)
    return replace(
        item,
        labels=_kept(
            item.labels,
            known=known.labels if known else frozenset(),
            asked=(each.labels for each in asked),
        ),
        zones=_kept(
            item.zones,
            known=known.zones if known else frozenset(),
            asked=(each.zones for each in asked),
        ),
    )


def _kept(
    texts: frozenset[str],
    *,
    known: frozenset[str],
    asked: Iterable[frozenset[str]],
) -> frozenset[str]:
    if len(texts) <= MAX_LABELS and _size(texts) <= _MAX_LABEL_BYTES:
        return texts
    kept = set(texts & known)
    missing = _words(chain.from_iterable(asked)) - _words(kept)
    others = []
    for text in sorted(texts - known):
        if missing and (found := _words((text,)) & missing):
            kept.add(text)
            missing -= found
        else:
            others.append(text)
    size = _size(kept)
    for text in others:
        size += _size((text,))
        if len(kept) >= MAX_LABELS or size > _MAX_LABEL_BYTES:
            break
        kept.add(text)
    return frozenset(kept)


def _size(texts: Iterable[str]) -> int:
    return sum(len(text.encode()) for text in texts)


def _words(texts: Iterable[str]) -> set[str]:
    """Return the texts, and the names between commas in them, fit to be compared.

    What an owner typed is cleaned as Frigate's labels are.
    """
    return {
        unicodedata.normalize("NFC", clean.casefold())
        for text in texts
        for word in (text, *text.split(","))
        if (clean := clean_text(word))
    }
