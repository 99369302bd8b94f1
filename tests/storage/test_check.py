"""The test of a destination: it tells which step fails, and leaves nothing."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import override

import pytest

from custom_components.frigate_snap_sync.storage import check
from custom_components.frigate_snap_sync.storage.base import (
    AuthFailed,
    Destination,
    HostKeyChanged,
    NoSpace,
    PermissionDenied,
    Rejected,
    Source,
    StorageError,
    StoredFile,
    Unreachable,
)
from custom_components.frigate_snap_sync.storage.check import check_destination


class Memory(Destination):
    """Keeps files in memory, and fails where it is told to."""

    def __init__(self, **errors: Exception) -> None:
        """Let the named methods fail; `put_again` is the second put."""
        self.files: dict[str, bytes] = {}
        self.errors = errors
        self.deleted: list[str] = []
        self.puts = 0

    def _maybe_fail(self, name: str) -> None:
        if name in self.errors:
            raise self.errors[name]

    @override
    async def connect(self) -> None:
        self._maybe_fail("connect")

    @override
    async def close(self) -> None:
        self.files.clear()

    @override
    async def put(
        self, path: str, source: Source | Path, *, temporary: str
    ) -> StoredFile:
        self.puts += 1
        assert isinstance(source, Path)
        self.files[temporary] = source.read_bytes()
        self._maybe_fail("put" if self.puts == 1 else "put_again")
        self.files[path] = self.files.pop(temporary)
        return StoredFile(path=path, size=len(self.files[path]))

    @override
    async def stat(self, path: str) -> StoredFile | None:
        self._maybe_fail("stat")
        if path not in self.files:
            return None
        return StoredFile(path=path, size=len(self.files[path]))

    @override
    async def delete(self, path: str) -> None:
        self.deleted.append(path)
        self._maybe_fail("delete")
        self.files.pop(path, None)

    @override
    async def list_files(self, path: str = "") -> AsyncGenerator[StoredFile]:
        for name, content in self.files.items():
            yield StoredFile(path=name, size=len(content))

    @override
    async def open_read(self, path: str) -> AsyncGenerator[bytes]:
        self._maybe_fail("open_read")
        yield self.files[path]

    @override
    async def free_space(self) -> int | None:
        return None


async def test_it_passes(tmp_path: Path) -> None:
    """Two files are put, the second shorter; nothing is left."""
    destination = Memory()
    await check_destination(destination, workdir=tmp_path / "not" / "there")
    assert destination.puts == 2
    assert destination.files == {}
    assert list((tmp_path / "not" / "there").iterdir()) == []


@pytest.mark.parametrize(
    ("method", "step"),
    [
        # Its errors name themselves.
        ("connect", ""),
        ("put", "Writing: "),
        ("put_again", "Replacing: "),
        ("stat", "Looking at the file: "),
        ("open_read", "Reading back: "),
        ("delete", "Deleting: "),
    ],
)
@pytest.mark.parametrize("error", [AuthFailed, NoSpace, PermissionDenied, Unreachable])
async def test_the_failing_step_is_named(
    tmp_path: Path, method: str, step: str, error: type[StorageError]
) -> None:
    """The cause is kept, the text begins with the step, and all is cleaned up."""
    failure = error("as it is")
    destination = Memory(**{method: failure})
    with pytest.raises(error) as raised:
        await check_destination(destination, workdir=tmp_path)
    assert str(raised.value) == f"{step}as it is"
    assert str(failure) == "as it is", "others may share it"
    assert list(tmp_path.iterdir()) == []
    if method == "connect":
        assert destination.deleted == []
    else:
        assert len(set(destination.deleted)) == 2
        assert method == "delete" or destination.files == {}


async def test_details_are_kept(tmp_path: Path) -> None:
    """An error keeps what it holds besides its text."""
    destination = Memory(connect=HostKeyChanged("changed", fingerprint="SHA256:x"))
    with pytest.raises(HostKeyChanged) as raised:
        await check_destination(destination, workdir=tmp_path)
    assert raised.value.fingerprint == "SHA256:x"


class Liar(Memory):
    """Says that all is well."""

    def __init__(self, lie: str) -> None:
        """Tell one lie."""
        super().__init__()
        self.lie = lie

    @override
    async def put(
        self, path: str, source: Source | Path, *, temporary: str
    ) -> StoredFile:
        stored = await super().put(path, source, temporary=temporary)
        if self.lie == "lost":
            self.files.clear()
        elif self.lie == "short":
            self.files[path] = self.files[path][:-1]
        elif self.lie == "longer":
            self.files[path] += b"."
        elif self.lie == "other":
            self.files[path] = bytes(len(self.files[path]))
        return stored

    @override
    async def stat(self, path: str) -> StoredFile | None:
        stored = await super().stat(path)
        if self.lie == "longer" and stored:
            return StoredFile(path=path, size=stored.size - 1)
        return stored

    @override
    async def open_read(self, path: str) -> AsyncGenerator[bytes]:
        if self.lie == "no reading":
            raise FileNotFoundError(path)
        async for piece in super().open_read(path):
            yield piece

    @override
    async def delete(self, path: str) -> None:
        if self.lie != "no delete":
            await super().delete(path)


@pytest.mark.parametrize(
    ("lie", "text"),
    [
        ("lost", "Looking at the file: It is not there"),
        ("short", "Looking at the file: It has 1023 bytes instead of 1024"),
        ("longer", "Reading back: Other bytes came back than were written"),
        ("other", "Reading back: Other bytes came back than were written"),
        ("no reading", "Reading back: The file is not there"),
        ("no delete", "Deleting: The file is still there"),
    ],
)
async def test_lies_are_found(tmp_path: Path, lie: str, text: str) -> None:
    """A destination that only says so does not pass."""
    with pytest.raises(Rejected) as raised:
        await check_destination(Liar(lie), workdir=tmp_path)
    assert str(raised.value) == text


async def test_no_workdir(tmp_path: Path) -> None:
    """Without a folder to work in, the destination is not blamed."""
    (tmp_path / "file").touch()
    with pytest.raises(Rejected, match="Preparing the test failed"):
        await check_destination(Memory(), workdir=tmp_path / "file" / "below")


async def test_clean_up_is_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A destination that hangs when it should clean up is left."""
    monkeypatch.setattr(check, "CLEANUP_TIMEOUT", 0.05)

    class Hanging(Memory):
        @override
        async def delete(self, path: str) -> None:
            await asyncio.sleep(30)

    with pytest.raises(NoSpace):
        await check_destination(Hanging(put=NoSpace("full")), workdir=tmp_path)
