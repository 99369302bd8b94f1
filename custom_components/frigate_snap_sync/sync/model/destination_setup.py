"""A destination as the engine knows it: where, and what of what happens goes there."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from ...storage.base import Destination
from ...storage.layout import Layout, dated_layout
from ...storage.names import TemporaryForm
from .naming import Render
from .selection import Selection


def _default_layout() -> Layout:
    return dated_layout(datetime.now().astimezone())


@dataclass(frozen=True, slots=True, kw_only=True)
class DestinationSetup:
    """A destination as its owner set it up.

    `id` never changes, whatever else does; `selection` is None where it can't be
    read, and then `destination` takes nothing; `render` is None for the default
    file names. `volume_budget` are the bytes that may be sent in a calendar month, 0
    for no limit. A copy is removed when its item began more than `retention_days` ago,
    and the oldest ones when there are more than `retention_size` bytes, 0 for never.
    `place` tells where it is apart from any other place, None if that is not known.
    `probe` is the name of what a test makes there, None for one of its id.
    `temporary_form` is the form of temporary names that worked at set-up;
    `layout` returns the folders of this moment's names.
    """

    id: str
    name: str
    selection: Selection | None
    destination: Destination
    render: Render | None = None
    volume_budget: int = 0
    retention_days: int = 0
    retention_size: int = 0
    place: str | None = None
    probe: str | None = None
    temporary_form: TemporaryForm = TemporaryForm.HIDDEN
    layout: Callable[[], Layout] = field(default=_default_layout, compare=False)
