"""What a destination can be wrapped in."""

from inspect import getmembers, isfunction
from typing import override

import pytest

from custom_components.frigate_snap_sync.storage.base import (
    Capabilities,
    Destination,
    StoredFile,
)
from custom_components.frigate_snap_sync.storage.errors import Rejected
from custom_components.frigate_snap_sync.storage.source import FileSource
from custom_components.frigate_snap_sync.storage.wrappers import wrapped
from custom_components.frigate_snap_sync.storage.wrappers.base import Wrapper
from custom_components.frigate_snap_sync.storage.wrappers.verified import Verified

from ..sync.fakes import FakeDestination
from .conftest import MakeSource


class Limited(FakeDestination):
    """A destination that can do less than others."""

    @property
    @override
    def capabilities(self) -> Capabilities:
        return Capabilities(folders=False, can_delete=False)


def test_a_wrapper_hands_everything_on() -> None:
    """A method that it forgot would fall back to the default of all destinations."""
    contract = {
        name for name, _ in getmembers(Destination, isfunction) if name[0] != "_"
    }
    assert contract <= set(vars(Wrapper))
    assert Wrapper(Limited()).capabilities == Limited().capabilities


async def test_copies_are_read_back(make_source: MakeSource) -> None:
    """A right copy stays, a wrong one is removed; of no wish for it nothing is read."""
    inner = FakeDestination()
    path = make_source(content=b"right").path
    source = FileSource(path, size=5, sha256="0" * 64)
    assert not isinstance(wrapped(inner), Verified)
    verified = wrapped(inner, verify=True)

    await verified.put("a", FileSource(path, size=5), temporary="a.tmp")
    assert inner.files == {"a": b"right"}
    await verified.delete("a")

    class Unread(FakeDestination):
        @override
        async def put(self, path: str, source: object, *, temporary: str) -> StoredFile:
            self.files[path] = b"wrong"
            return StoredFile(path=path, size=5)

    spoiling = Unread()
    with pytest.raises(Rejected, match="not what was sent"):
        await wrapped(spoiling, verify=True).put("b", source, temporary="b.tmp")
    assert spoiling.files == {}
