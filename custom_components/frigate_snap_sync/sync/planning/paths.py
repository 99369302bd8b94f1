"""What the files of an item are called at each destination."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import tzinfo
from itertools import chain, combinations, islice, product
import logging

from ...frigate.models import Severity
from ...storage.names import clean_path
from ..model.destination_setup import DestinationSetup
from ..model.item import Item, Media
from ..model.naming import default_name, name_values

_LOGGER = logging.getLogger(__name__)

_MAX_EARLIER = 64
"""Names of one item that are looked for, at most."""
_SHIFTS = (1, 60, 3600, 86_400, 31 * 86_400, 366 * 86_400)
"""Seconds between two items whose names must differ, if those hold no id."""


class ItemPaths:
    """Renders the owners' templates; one that fails costs no file."""

    def __init__(self, time_zone: tzinfo) -> None:
        """Keep the time zone of the names."""
        self._time_zone = time_zone
        self._failing_templates: set[str] = set()

    def forget_failures(self) -> None:
        """Log again which templates fail: the destinations have changed."""
        self._failing_templates.clear()

    def of(self, destination: DestinationSetup, item: Item) -> str:
        """Return the path of an item's file at a destination.

        A template that fails must not cost a file: the default name is used.
        """
        values = name_values(item, self._time_zone)
        if destination.render is not None:
            try:
                return clean_path(destination.render(values), values.extension)
            except ValueError as err:
                if destination.id not in self._failing_templates:
                    _LOGGER.warning(
                        "The file name template of %s failed, "
                        "default names are used instead: %s",
                        destination.name,
                        err,
                    )
                self._failing_templates.add(destination.id)
        return default_name(item, values)

    def are_its_own(self, destination: DestinationSetup, item: Item) -> bool:
        """Tell whether no other item's files have the names of this one's.

        They hold its id, or where and when it began: a camera has one review at a time.
        """
        name = self.of(destination, item)

        def differs(**changes: object) -> bool:
            return self.of(destination, replace(item, **changes)) != name  # type: ignore[arg-type]

        if differs(source_id=f"{item.source_id}0"):
            return True
        return (
            item.media is Media.RECORDINGS
            and not item.is_range
            and differs(camera=f"{item.camera}0")
            and all(differs(start=item.start - shift) for shift in _SHIFTS)
        )

    def earlier(self, destination: DestinationSetup, item: Item) -> Iterator[str]:
        """Yield the paths that a review may have got before all was known of it.

        At most 64, those of little knowledge first.
        """
        name = self.of(destination, item)
        choices: dict[str, list[object]] = {
            "labels": _subsets(item.labels),
            "zones": _subsets(item.zones),
            "severity": [Severity.DETECTION, item.severity],
            "end": [None, item.end],
        }
        # Only what the template uses.
        used = {
            key: values
            for key, values in choices.items()
            if any(
                self.of(destination, replace(item, **{key: value})) != name  # type: ignore[arg-type]
                for value in (values[0], values[-1])
            )
        }
        given = {name}
        for values in islice(product(*used.values()), _MAX_EARLIER):
            known = replace(item, **dict(zip(used, values, strict=True)))  # type: ignore[arg-type]
            path = self.of(destination, known)
            if path not in given:
                given.add(path)
                yield path


def _subsets(texts: frozenset[str]) -> list[object]:
    """Return subsets of a set, at most 64: small ones first, and the whole last."""
    sizes = range(len(texts))
    found = chain.from_iterable(combinations(sorted(texts), size) for size in sizes)
    return [*map(frozenset, islice(found, _MAX_EARLIER - 1)), texts]
