"""The planner: who gets an item, under which name, and which files that takes."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import tzinfo
import logging
import time

from .items import Item, UploadState
from .ledger.items import FilePlan, FileState, UploadPlan
from .naming import clean_path, default_name, name_values, numbered
from .policy import Timing, first_fetch, footage_ranges, wants
from .worker import DestinationSetup

_LOGGER = logging.getLogger(__name__)


class Planner:
    """Plans for the destinations that there are at the moment."""

    def __init__(
        self,
        *,
        time_zone: tzinfo,
        padding_before: float,
        padding_after: float,
        timing: Timing,
    ) -> None:
        """Keep the options; paddings are in seconds."""
        self._time_zone = time_zone
        self._padding_before = padding_before
        self._padding_after = padding_after
        self._timing = timing
        self._destinations: tuple[DestinationSetup, ...] = ()
        self._failing_templates: set[str] = set()

    def set_destinations(self, destinations: Iterable[DestinationSetup]) -> None:
        """Plan for these from now on."""
        self._destinations = tuple(destinations)
        self._failing_templates.clear()

    def uploads(
        self,
        item: Item,
        *,
        state: UploadState = UploadState.PENDING,
        reason: str | None = None,
    ) -> tuple[UploadPlan, ...]:
        """Return an upload for each destination that wants the item."""
        return tuple(
            UploadPlan(
                destination_id=destination.id,
                path=self._path(destination, item),
                state=state,
                reason=reason,
            )
            for destination in self._destinations
            if wants(destination.selection, item)
        )

    def recording(self, item: Item, *, clock_offset: float) -> tuple[FilePlan, ...]:
        """Return the files of a review that has ended, none if nobody wants it.

        `clock_offset` is our clock less Frigate's, in seconds.
        """
        uploads = self.uploads(item)
        if not uploads:
            return ()
        ranges = footage_ranges(
            item,
            padding_before=self._padding_before,
            padding_after=self._padding_after,
        )
        due = first_fetch(
            item.start if item.end is None else item.end,
            now=time.time(),
            clock_offset=clock_offset,
            settle=self._timing.settle,
        )
        return tuple(
            FilePlan(
                state=FileState.WANTED,
                uploads=uploads if len(ranges) == 1 else _pieces(uploads, number),
                number=number,
                start=footage.start,
                end=footage.end,
                due=due,
            )
            for number, footage in enumerate(ranges, start=1)
        )

    def _path(self, destination: DestinationSetup, item: Item) -> str:
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


def _pieces(uploads: tuple[UploadPlan, ...], number: int) -> tuple[UploadPlan, ...]:
    return tuple(
        replace(upload, path=numbered(upload.path, f"{number:02}"))
        for upload in uploads
    )
