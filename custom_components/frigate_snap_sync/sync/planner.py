"""The planner: who gets an item, under which name, and which files that takes."""

from collections.abc import Collection, Iterable
from datetime import tzinfo
import logging
import time

from ..storage.names import clean_path
from .destination import DestinationSetup
from .items import Item, Role, UploadState
from .ledger.items import FilePlan, FileState, Progress, UploadPlan
from .naming import default_name, name_values
from .policy import (
    Bounds,
    FootageRange,
    Timing,
    bounded,
    first_fetch,
    first_second,
    last_second,
    next_part,
    next_piece,
    pieces,
    wants,
)

_LOGGER = logging.getLogger(__name__)


class Planner:
    """Plans for the destinations that there are at the moment."""

    def __init__(
        self,
        *,
        time_zone: tzinfo,
        padding_before: float,
        padding_after: float,
        part_length: int | None,
        timing: Timing,
    ) -> None:
        """Keep the options, all in seconds; `part_length` is None for no parts."""
        self._time_zone = time_zone
        self._padding_before = padding_before
        self._padding_after = padding_after
        self._part_length = part_length
        self._timing = timing
        self._destinations: tuple[DestinationSetup, ...] = ()
        self._failing_templates: set[str] = set()

    def set_destinations(self, destinations: Iterable[DestinationSetup]) -> None:
        """Plan for these from now on."""
        self._destinations = tuple(destinations)
        self._failing_templates.clear()

    def bounded(self, item: Item, *, known: Item | None = None) -> Item:
        """Return the item with as many labels and zones as may be kept of it.

        `known` is what the ledger has of it.
        """
        selections = [
            destination.selection
            for destination in self._destinations
            if destination.selection is not None
        ]
        return bounded(item, known=known, selections=selections)

    def uploads(
        self,
        item: Item,
        *,
        state: UploadState = UploadState.PENDING,
        reason: str | None = None,
        only: Collection[str] | None = None,
    ) -> tuple[UploadPlan, ...]:
        """Return an upload for each destination that wants the item.

        With `only`, these destinations alone are looked at.
        """
        return tuple(
            UploadPlan(
                destination_id=destination.id,
                path=self._path(destination, item),
                state=state,
                reason=reason,
            )
            for destination in self._destinations
            if (only is None or destination.id in only)
            and wants(destination.selection, item)
        )

    def recording(
        self,
        item: Item,
        *,
        known: Progress,
        bounds: Bounds,
        clock_offset: float,
        only: Collection[str] | None = None,
    ) -> tuple[FilePlan, ...]:
        """Return the files of a review that has ended, none if nobody wants it.

        `known` tells of the pieces that were planned while it went on; what lies
        outside of `bounds` stays at home. `clock_offset` is our clock less Frigate's, in seconds.
        """
        uploads = self.uploads(item, only=only)
        if not uploads:
            return ()
        start, end = known.pieces_end, last_second(item, self._padding_after)
        if start is None:
            start = first_second(item, self._padding_before)
        ranges = pieces(start, end)
        due = first_fetch(
            item.start if item.end is None else item.end,
            now=time.time(),
            clock_offset=clock_offset,
            settle=self._timing.settle,
        )
        is_one = not known.pieces and len(ranges) == 1
        return tuple(
            _file(
                Role.WHOLE,
                number,
                "" if is_one else f"{number:02}",
                footage,
                uploads,
                due,
            )
            for number, whole in enumerate(ranges, start=known.pieces + 1)
            if (footage := bounds.cut(whole)) is not None
        )

    def running(
        self, item: Item, *, known: Progress, bounds: Bounds, clock_offset: float
    ) -> tuple[tuple[FilePlan, ...], float | None]:
        """Return the files of a review that goes on which can be planned now.

        Beside them, when the next one can be, by our clock: None if nobody wants
        the review yet, or `capture` was switched off meanwhile.
        """
        uploads = self.uploads(item)
        if not uploads:
            return (), None
        now = min(time.time() - clock_offset, bounds.end)
        files: list[FilePlan] = []
        first = first_second(item, self._padding_before)
        begin = first if known.pieces_end is None else known.pieces_end
        number = known.pieces
        while isinstance(piece := next_piece(begin, now=now), FootageRange):
            number, begin = number + 1, piece.end
            due = piece.end + clock_offset + self._timing.settle
            suffix = f"{number:02}"
            if (footage := bounds.cut(piece)) is not None:
                files.append(_file(Role.WHOLE, number, suffix, footage, uploads, due))
        again = piece
        if self._part_length is not None:
            # What lies in half hours needs no parts any more.
            begin = max(begin, known.parts_end or first)
            number = known.parts
            while isinstance(
                part := next_part(
                    item,
                    begin,
                    padding_before=self._padding_before,
                    length=self._part_length,
                    now=now,
                ),
                FootageRange,
            ):
                number, begin = number + 1, part.end
                due = part.end + clock_offset + self._timing.part_settle
                suffix = f"part{number:03}"
                if (footage := bounds.cut(part)) is not None:
                    files.append(
                        _file(Role.PART, number, suffix, footage, uploads, due)
                    )
            again = part
        return tuple(files), None if now == bounds.end else again + clock_offset

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


def _file(
    role: Role,
    number: int,
    suffix: str,
    footage: FootageRange,
    uploads: tuple[UploadPlan, ...],
    due: float,
) -> FilePlan:
    return FilePlan(
        state=FileState.WANTED,
        uploads=uploads,
        role=role,
        number=number,
        suffix=suffix,
        start=footage.start,
        end=footage.end,
        due=due,
    )
