"""A destination round another one: the ground of all wrappers."""

from collections.abc import AsyncGenerator, Mapping
from typing import Any, override

from ..base import Capabilities, Destination, Source, StoredFile
from ..growing import GrowingFile


class Wrapper(Destination):
    """Hands everything on; a wrapper overrides what it changes.

    One that takes an ability away overrides `capabilities`, and one that changes or
    slows down the bytes gives `put` a source without a `local_path`.
    """

    def __init__(self, inner: Destination) -> None:
        """Stand before this destination."""
        self.inner = inner

    @property
    @override
    def capabilities(self) -> Capabilities:
        return self.inner.capabilities

    @property
    @override
    def findings(self) -> Mapping[str, Any]:
        return self.inner.findings

    @override
    async def connect(self) -> None:
        await self.inner.connect()

    @override
    async def close(self) -> None:
        await self.inner.close()

    @override
    def unprepared(self, path: str, source: Source, *, temporary: str) -> str:
        return self.inner.unprepared(path, source, temporary=temporary)

    @override
    async def prepare(self, path: str, source: Source, *, temporary: str) -> str:
        return await self.inner.prepare(path, source, temporary=temporary)

    @override
    async def put(self, path: str, source: Source, *, temporary: str) -> StoredFile:
        return await self.inner.put(path, source, temporary=temporary)

    @override
    async def grow(self, path: str) -> GrowingFile:
        return await self.inner.grow(path)

    @override
    async def put_at_once(
        self, path: str, source: Source, *, temporary: str
    ) -> StoredFile:
        return await self.inner.put_at_once(path, source, temporary=temporary)

    @override
    async def stat(self, path: str) -> StoredFile | None:
        return await self.inner.stat(path)

    @override
    async def delete(self, path: str) -> None:
        await self.inner.delete(path)

    @override
    async def discard(self, temporary: str) -> None:
        await self.inner.discard(temporary)

    @override
    async def make_folder(self, path: str) -> bool:
        return await self.inner.make_folder(path)

    @override
    async def remove_folder(self, path: str) -> None:
        await self.inner.remove_folder(path)

    @override
    def list_files(self, path: str = "") -> AsyncGenerator[StoredFile]:
        return self.inner.list_files(path)

    @override
    def open_read(
        self, path: str, *, start: int = 0, length: int | None = None
    ) -> AsyncGenerator[bytes]:
        return self.inner.open_read(path, start=start, length=length)

    @override
    async def free_space(self) -> int | None:
        return await self.inner.free_space()
