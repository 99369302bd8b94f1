"""Which destination is asked first for a file that several have."""

from collections.abc import Callable, Mapping
import time
from typing import Final, Protocol

from ...storage.errors import StorageError, Unreachable
from ..model.destination_setup import DestinationSetup
from ..sending.breaker import reaction_to

_UNKNOWN: Final = 1.0
"""Seconds that a destination is taken to need which was not measured yet."""
_WEIGHT: Final = 0.3
"""That of a new measurement against all earlier ones."""


class Place(Protocol):
    """What is known of a destination by those who send there."""

    @property
    def setup(self) -> DestinationSetup:
        """Return how it was set up."""

    @property
    def connected(self) -> bool | None:
        """Tell whether it could be reached when it was last tried."""

    @property
    def error(self) -> StorageError | None:
        """Return why it is failing, None if it is not."""


class Nearness:
    """Orders destinations: local ones first, then by how soon they have answered.

    One that can't be reached comes last. One that failed here is left alone for as long
    as when sending fails; so is one that refuses the login, lest it bans us.
    """

    def __init__(
        self,
        places: Mapping[str, Place],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Look at these destinations, which come and go; nothing is measured yet."""
        self._places = places
        self._clock = clock
        self._seconds: dict[str, float] = {}
        self._quiet: dict[str, float] = {}

    @property
    def readable(self) -> frozenset[str]:
        """Return the destinations whose files can be read, whether they answer or not."""
        return frozenset(
            id_
            for id_, place in self._places.items()
            if place.setup.destination.capabilities.can_read
        )

    def ordered(self, among: Mapping[str, object]) -> list[str]:
        """Return those that may be asked now, the nearest first."""
        usable = [id_ for id_ in among if self._may_be_asked(id_)]
        return sorted(usable, key=self._rank)

    def note_success(self, destination_id: str, seconds: float) -> None:
        """Remember how long a destination took to answer."""
        known = self._seconds.get(destination_id, seconds)
        self._seconds[destination_id] = known + (seconds - known) * _WEIGHT
        self._quiet.pop(destination_id, None)

    def note_failure(self, destination_id: str, error: StorageError) -> None:
        """Leave a destination alone for as long as its failure asks for."""
        reaction = reaction_to(error)
        if not reaction.is_contact:
            self._quiet[destination_id] = self._clock() + reaction.first

    def _may_be_asked(self, destination_id: str) -> bool:
        place = self._places.get(destination_id)
        if place is None or self._clock() < self._quiet.get(destination_id, 0.0):
            return False
        if place.error is None or place.connected:
            return True
        # A look at a server that is away harms no one.
        return isinstance(place.error, Unreachable)

    def _rank(self, destination_id: str) -> tuple[bool, bool, float]:
        place = self._places[destination_id]
        return (
            place.connected is False,
            not place.setup.destination.capabilities.is_local,
            self._seconds.get(destination_id, _UNKNOWN),
        )
