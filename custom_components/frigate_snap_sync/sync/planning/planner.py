"""The planner: who gets an item, under which name, and which files that takes."""

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import tzinfo
from math import ceil, floor, inf
import time

from ..model.destination_setup import DestinationSetup
from ..model.footage_ranges import (
    MAX_PART_SECONDS,
    Bounds,
    FootageRange,
    as_parts,
    first_fetch,
    first_second,
    full_pieces,
    last_second,
    next_part,
    pieces,
)
from ..model.item import Item, Media, UploadState
from ..model.limits import Limits
from ..model.openings import OPEN, Openings, begin_of, for_item, split
from ..model.plans import FilePlan, Progress, UploadPlan
from ..model.recorded_footage import UNKNOWN, Footage
from ..model.selection import Selection, bounded, may_want, wants
from ..model.timing import Timing
from .file_plans import part_plans, piece_plans
from .paths import ItemPaths


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
        limits: Limits,
    ) -> None:
        """Keep the options, all in seconds; `part_length` is None for no parts."""
        self.paths = ItemPaths(time_zone)
        self._padding_before = padding_before
        self._padding_after = padding_after
        self._part_length = part_length
        self._timing = timing
        self._limits = limits
        self.destinations: tuple[DestinationSetup, ...] = ()
        """All that there are, also those whose workers are just being replaced."""

    def set_destinations(self, destinations: Iterable[DestinationSetup]) -> None:
        """Plan for these from now on."""
        self.destinations = tuple(destinations)
        self.paths.forget_failures()

    @property
    def destination_ids(self) -> tuple[str, ...]:
        """Return the ids of the destinations that there are."""
        return tuple(each.id for each in self.destinations)

    @property
    def selections(self) -> dict[str, Selection | None]:
        """Return what the destinations select, by their ids."""
        return {each.id: each.selection for each in self.destinations}

    def wants(self, media: Media, camera: str | None = None) -> bool:
        """Tell whether any destination takes this kind of item at all, or may do so.

        With `camera`, of that one.
        """
        return any(
            may_want(each.selection, media, camera) for each in self.destinations
        )

    def bounded(self, item: Item, *, known: Item | None = None) -> Item:
        """Return the item with as many labels and zones as may be kept of it.

        `known` is what the ledger has of it.
        """
        selections = [each for each in self.selections.values() if each is not None]
        return bounded(item, known=known, selections=selections)

    def uploads(
        self,
        item: Item,
        *,
        state: UploadState = UploadState.PENDING,
        reason: str | None = None,
        only: Collection[str] | None = None,
        asked: Collection[str] | None = None,
        openings: Openings = OPEN,
    ) -> tuple[UploadPlan, ...]:
        """Return an upload for each destination that wants the item.

        With `only`, these destinations alone are looked at; those for which it is
        `asked` by a person get it, and no others, whatever they select. It is skipped
        where the destination was closed all the time.
        """
        uploads = (
            UploadPlan(
                destination_id=destination.id,
                path=self.paths.of(destination, item),
                state=state,
                reason=reason,
                is_asked=asked is not None,
            )
            for destination in self.destinations
            if (
                (only is None or destination.id in only)
                and wants(destination.selection, item)
                if asked is None
                else destination.id in asked
            )
        )
        return for_item(uploads, openings)

    def is_long(self, left: FootageRange) -> bool:
        """Tell whether what is left of a review is more than one piece.

        Then Frigate may have been off for most of that time, and its recordings are
        to be looked through first.
        """
        return len(pieces([left], self._limits)) > 1

    def last_second(self, item: Item) -> int:
        """Return where an ended review's footage ends."""
        return last_second(item, self._padding_after)

    def is_planned(self, item: Item, known: Progress) -> bool:
        """Tell whether an ended review's half hours hold all of it."""
        end = known.pieces_end
        return end is not None and end >= self.last_second(item)

    def left(self, item: Item, known: Progress, bounds: Bounds) -> FootageRange:
        """Return what is left to plan of an ended review, at least a second."""
        start, end = known.pieces_end, self.last_second(item)
        if start is None:
            start = self._first(item, bounds)
        return FootageRange(start, max(end, start + 1))

    def recording(
        self,
        item: Item,
        *,
        known: Progress,
        footage: Footage = UNKNOWN,
        bounds: Bounds,
        clock_offset: float,
        is_off: bool = False,
        only: Collection[str] | None = None,
        asked: Collection[str] | None = None,
    ) -> tuple[FilePlan, ...]:
        """Return the files of a review that has ended, none if no destination wants it.

        `known` tells of the pieces that were planned while it went on; what lies
        outside of `bounds` stays at home. `clock_offset` is our clock less Frigate's,
        in seconds. Where `footage` has nothing at all, only the first piece is planned.
        With recordings switched off (`is_off`) no more footage comes to Frigate's disk.
        """
        uploads = self.uploads(item, only=only, asked=asked)
        if self._is_closed(uploads, bounds):
            return ()
        left = self.left(item, known, bounds)
        ranges = pieces(footage.within(left.start, left.end), self._limits) or [
            FootageRange(left.start, min(left.start + self._limits.piece, left.end))
        ]
        ranges = split(ranges, uploads, bounds.openings)
        now, end = time.time(), item.start if item.end is None else item.end
        timing = self._timing
        due = first_fetch(
            end,
            now=now,
            clock_offset=clock_offset,
            settle=timing.off_settle if is_off else timing.settle,
        )
        files = piece_plans(
            ranges,
            uploads,
            number=known.pieces + 1,
            bounds=bounds,
            footage=footage,
            clock_offset=clock_offset,
            due=lambda _: due,
            is_one=not known.pieces and len(ranges) == 1,
            as_is=is_off,
        )
        return tuple(files)

    def running(
        self,
        item: Item,
        *,
        known: Progress,
        footage: Footage = UNKNOWN,
        bounds: Bounds,
        clock_offset: float,
        off_since: float | None = None,
    ) -> tuple[tuple[FilePlan, ...], float | None]:
        """Return the files of an active review which can be planned now.

        Beside them, when the next one can be, by our clock: None if no destination wants
        the review yet, or there will be no more footage: capture was switched off, or
        Frigate's recordings were, at `off_since` (our clock).
        """
        uploads = self.uploads(item)
        if self._is_closed(uploads, bounds):
            return (), None
        limit = inf if off_since is None else off_since - clock_offset
        limit = min(limit, bounds.end)
        now = min(time.time() - clock_offset, limit)
        first = self._first(item, bounds)
        begin = first if known.pieces_end is None else known.pieces_end
        whole, again = full_pieces(
            footage.within(begin, floor(now)), self._limits, now=now
        )
        ranges = split(whole, uploads, bounds.openings)
        files = piece_plans(
            ranges,
            uploads,
            number=known.pieces + 1,
            bounds=bounds,
            footage=footage,
            clock_offset=clock_offset,
            due=lambda piece: piece.end + clock_offset + self._timing.settle,
        )
        if self._part_length is not None:
            # What lies in half hours needs no parts any more.
            begin = max(whole[-1].end if whole else begin, known.parts_end or first)
            if first > first_second(item, self._padding_before):
                # To those who take it only now it begins now.
                item = replace(item, start=first + self._padding_before)
            ranges, again = self._parts(item, begin, footage=footage, now=now)
            begin = ranges[-1].end if ranges else begin
            ranges = split(ranges, uploads, bounds.openings)
            files += part_plans(
                ranges,
                uploads,
                number=known.parts + 1,
                bounds=bounds,
                clock_offset=clock_offset,
                settle=self._timing.part_settle,
            )
            if off_since is not None:
                files += part_plans(
                    as_parts(begin, ceil(limit)),
                    uploads,
                    number=known.parts + len(ranges) + 1,
                    bounds=bounds,
                    clock_offset=clock_offset,
                    settle=self._timing.part_settle,
                    as_is=True,
                )
        return tuple(files), None if now == limit else again + clock_offset

    def overdue(
        self,
        item: Item,
        known: Progress,
        footage: Footage,
        *,
        bounds: Bounds,
        clock_offset: float,
    ) -> float:
        """Return for how many seconds the next file of a review might be planned.

        Where nothing is planned, and Frigate was not asked: since its beginning. Up to
        where its `footage` is known nothing is overdue. Negative: not yet, or no
        destination wants it now.
        """
        if self._is_closed(self.uploads(item), bounds):
            return -inf
        first = self._first(item, bounds)
        now = time.time() - clock_offset
        if not (known.pieces_end or known.parts_end or footage.until):
            return now - first
        if self._part_length is None:
            begin = max(known.pieces_end or first, footage.until)
            return now - begin - self._limits.piece
        begin = max(known.parts_end or first, known.pieces_end or first, footage.until)
        return now - begin - self._part_length

    def _parts(
        self, item: Item, begin: int, *, footage: Footage, now: float
    ) -> tuple[list[FootageRange], float]:
        """Return the parts from `begin` on that are over, and when the next will be."""
        assert self._part_length is not None
        found: list[FootageRange] = []
        while True:
            ahead = footage.within(begin, floor(now))
            if ahead:
                begin = ahead[0].start
            part = next_part(
                item,
                begin,
                padding_before=self._padding_before,
                length=self._part_length,
                settle=self._timing.part_settle,
                now=now,
            )
            if not isinstance(part, FootageRange):
                return found, part
            inside = footage.within(part.start, part.end)
            found.append(FootageRange(part.start, inside[-1].end))
            begin = part.end

    def last_parts(
        self,
        item: Item,
        *,
        known: Progress,
        bounds: Bounds,
        clock_offset: float,
        is_off: bool,
        only: Collection[str] | None,
    ) -> tuple[FilePlan, ...]:
        """Return parts of what Frigate has now of a review that was cut off, if it was.

        Of its last ten minutes: who has come to switch it off may take the box next.
        """
        uploads = self.uploads(item, only=only)
        is_closed = self._is_closed(uploads, bounds)
        if self._part_length is None or item.end is None or is_closed:
            return ()
        age = time.time() - clock_offset - item.end
        if not is_off and age >= self._timing.forced_end:
            return ()
        end = ceil(item.end)
        first = self._first(item, bounds)
        begin = max(known.parts_end or first, known.pieces_end or first)
        ranges = as_parts(max(begin, end - MAX_PART_SECONDS), end)
        parts = part_plans(
            split(ranges, uploads, bounds.openings),
            uploads,
            number=known.parts + 1,
            bounds=bounds,
            clock_offset=clock_offset,
            settle=self._timing.part_settle,
            as_is=True,
        )
        return tuple(parts)

    def _first(self, item: Item, bounds: Bounds) -> int:
        """Return where a review's footage begins that anyone takes."""
        first = first_second(item, self._padding_before)
        begin = begin_of(self.uploads(item), bounds.openings)
        return max(first, ceil(begin)) if -inf < begin < inf else first

    @staticmethod
    def _is_closed(uploads: Collection[UploadPlan], bounds: Bounds) -> bool:
        """Tell whether no destination takes what there has been so far."""
        return begin_of(uploads, bounds.openings) == inf
