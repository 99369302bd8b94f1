"""A destination as the engine knows it: where, and what of what happens goes there."""

from dataclasses import dataclass

from ..storage.base import Destination
from .naming import Render
from .policy import Selection


@dataclass(frozen=True, slots=True, kw_only=True)
class DestinationSetup:
    """A destination as its owner set it up.

    `id` never changes, whatever else does; `selection` is None where it can't be
    read, and then `destination` takes nothing; `render` is None for the default
    file names. With `verify_checksum` each copy is read back and compared.
    """

    id: str
    name: str
    selection: Selection | None
    destination: Destination
    render: Render | None = None
    verify_checksum: bool = False
