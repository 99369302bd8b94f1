"""A destination where nothing is ever deleted or replaced by us."""

from dataclasses import replace
import posixpath
from typing import NoReturn, override

from ..base import Capabilities, Destination, Source, StoredFile
from ..check import FIXED_PROBE
from ..errors import PermissionDenied
from ..growing import AlreadyThere, GrowingFile
from ..names import is_drill
from .base import Wrapper


class AppendOnly(Wrapper):
    """Refuses to delete, and to put a file where one lies.

    A `put` may still give its own unfinished file the final name, and remove it when it
    fails; what is no file yet (a multipart upload) may be given up. Only the probe of a
    test and the files of a fire drill are replaced, so that no more than one stays in
    a folder.
    """

    def __init__(self, inner: Destination, *, can_read: bool | None = None) -> None:
        """Protect this destination.

        `can_read` is false where the login only writes, None where a test is to find
        out. It can't be seen there whether a name is taken: who sends takes new ones.
        """
        super().__init__(inner)
        self._can_read = can_read

    @property
    @override
    def capabilities(self) -> Capabilities:
        inner = self.inner.capabilities
        return replace(
            inner,
            can_delete=False,
            can_read=inner.can_read and self._can_read is not False,
            may_be_limited=inner.may_be_limited or self._can_read is None,
        )

    @override
    async def prepare(self, path: str, source: Source, *, temporary: str) -> str:
        await self._check(path)
        return await super().prepare(path, source, temporary=temporary)

    @override
    async def put(self, path: str, source: Source, *, temporary: str) -> StoredFile:
        await self._check(path)
        return await super().put(path, source, temporary=temporary)

    @override
    async def grow(self, path: str) -> GrowingFile:
        await self._check(path)
        return await super().grow(path)

    @override
    async def put_at_once(
        self, path: str, source: Source, *, temporary: str
    ) -> StoredFile:
        await self._check(path)
        return await super().put_at_once(path, source, temporary=temporary)

    @override
    async def delete(self, path: str) -> None:
        _refuse(path)

    @override
    async def discard(self, temporary: str) -> None:
        if self.inner.capabilities.uses_temporary:
            _refuse(temporary)
        await super().discard(temporary)

    @override
    async def remove_folder(self, path: str) -> None:
        _refuse(path)

    async def _check(self, path: str) -> None:
        """Raise AlreadyThere if something lies under the name, as far as can be seen."""
        if may_replace(path) or not self.capabilities.can_read:
            return
        if await self.inner.stat(path) is not None:
            raise AlreadyThere(f"{path} is there already and is not replaced")


def may_replace(path: str) -> bool:
    """Tell whether a file may be replaced although nothing else is."""
    return posixpath.basename(path) == FIXED_PROBE or is_drill(path)


def _refuse(path: str) -> NoReturn:
    raise PermissionDenied(f"{path} stays: nothing is deleted at this destination")
