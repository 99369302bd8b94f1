"""The blocking file work of a local destination, for executor threads."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
import errno
import os
from pathlib import Path
import stat
from typing import Final

from ..base import MAX_DEPTH, StoredFile, path_segments
from ..errors import (
    FINDING,
    MAKING,
    RENAMING,
    NotMounted,
    PathNotAbsolute,
    PathNotAllowed,
    PathNotFound,
    PermissionDenied,
    Rejected,
    StorageError,
    other_size,
    unreadable,
    vanished,
)
from ..jobs import Job
from ..source import PIECE_SIZE, PieceReader
from .errors import explained
from .mounts import check_mounted
from .readers import OpenIn, Reader

SYNC_EVERY: Final = 16 * PIECE_SIZE
"""Bytes after which a copy waits for the disk.

So a step takes a bounded time on a slow disk too; all in one go at the end, a
large file could take longer than a share that hangs is given.
"""

_NO_SYNC: Final = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}
"""How a file system says that it can't wait for the disk."""


_NO_ENTRY: Final = (FileNotFoundError, NotADirectoryError)


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalFolder:
    """A root folder, the mount point it must lie on, and who may allow it.

    Every method blocks, and raises `StorageError` alone but where it says so.
    """

    root: Path
    mount_point: str
    is_allowed: Callable[[str], bool]

    def check(self, job: Job) -> Path:
        """Return the root without symbolic links, if it may be used now."""
        job.step()
        if not self.root.is_absolute():
            raise PathNotAbsolute(f"{self.root} does not begin with a slash")
        # First: of a folder that is gone with its share, or that a dead one does not
        # show, Home Assistant judges the parent, which may well not be allowed.
        check_mounted(self.root, self.mount_point)
        job.step()
        if not self.is_allowed(str(self.root)):
            raise PathNotAllowed(f"Writing to {self.root} is not allowed")
        return self.root.resolve()

    def make_root(self, job: Job) -> Path:
        """Make the root folder if need be, on its own file system alone."""
        root = self.check(job)
        try:
            self._make(root)
        except (PermissionDenied, Rejected) as err:
            raise self._root_error(err, root) from err
        return root

    def _make(self, root: Path) -> None:
        with explained(f"make the folder {self.root}"):
            try:
                root.mkdir(parents=True, exist_ok=True)
            except (FileExistsError, NotADirectoryError) as err:
                raise PermissionDenied(
                    f"{self.root} is no folder", hint="no_folder", about=self.root
                ) from err
            except OSError as err:
                if err.errno != errno.EROFS:
                    raise
                # Home Assistant OS puts an empty read-only folder in the place
                # of a share that it can't mount.
                raise NotMounted(
                    f"{self.root} is gone and its file system is read-only",
                    hint="read_only",
                ) from err

    def _root_error(self, err: StorageError, root: Path) -> PermissionDenied:
        """Return the cause of a root that can't be made.

        It is about the destination as a whole, so never `Rejected`.
        """
        if _is_missing(root):
            error: PermissionDenied = PathNotFound(
                f"{err}. The folder {self.root} does not exist and can't be made: "
                "check the path, or make the folder",
                hint="folder_not_made",
                said=err.said,
            )
        else:
            error = PermissionDenied(
                str(err), hint=err.hint, about=err.about, said=err.said
            )
        error.step = FINDING
        return error

    def put(self, job: Job, path: str, open_in: OpenIn, temporary: str) -> StoredFile:
        """Copy a source to `temporary`, prove it, and give it its name.

        Raises `FileNotFoundError` when the source is gone.
        """
        segments, staged = path_segments(path), path_segments(temporary)
        if segments[:-1] != staged[:-1] or segments == staged:
            raise Rejected(f"{temporary!r} is no temporary name for {path!r}")
        try:
            reader = open_in(job)
        except FileNotFoundError:
            raise
        except OSError as err:
            raise unreadable("Opening the source", err) from err
        try:
            root = self.make_root(job)
            folder = make_folders(root, path, segments[:-1])
            with explained(f"write {path}"):
                try:
                    writer = _create(folder / staged[-1])
                except FileNotFoundError:
                    # A test of the destination may have removed the empty folder.
                    folder = make_folders(root, path, segments[:-1])
                    writer = _create(folder / staged[-1])
                size = _store(
                    job,
                    reader,
                    writer,
                    folder / staged[-1],
                    folder / segments[-1],
                    path,
                    self.check,
                )
        finally:
            reader.close()
        with suppress(OSError):  # the file is in place, whatever a folder's sync says
            sync_folder(folder)
        return StoredFile(path=path, size=size)

    def stat(self, job: Job, path: str) -> StoredFile | None:
        """Return the file at `path`; anything but a plain file is none."""
        segments = path_segments(path)
        root = self.check(job)
        with explained(f"look at {path}"):
            try:
                status = (_folder(root, segments[:-1]) / segments[-1]).lstat()
            except _NO_ENTRY:
                return None
        if not stat.S_ISREG(status.st_mode):
            return None
        return StoredFile(path=path, size=status.st_size)

    def delete(self, job: Job, path: str) -> None:
        """Remove the file at `path`, if there is one."""
        segments = path_segments(path)
        root = self.check(job)
        with explained(f"delete {path}"), suppress(*_NO_ENTRY):
            (_folder(root, segments[:-1]) / segments[-1]).unlink()

    def make_folder(self, job: Job, path: str) -> bool:
        """Make the folder at `path`; tell whether it was missing."""
        segments = path_segments(path)
        folder = _folder(self.make_root(job), segments)
        with explained(f"make the folder {path}"):
            if folder.is_dir():
                return False
            folder.mkdir()
            return True

    def remove_folder(self, job: Job, path: str) -> None:
        """Remove the folder at `path` if it is empty and there."""
        segments = path_segments(path)
        root = self.check(job)
        with explained(f"remove the folder {path}"), suppress(*_NO_ENTRY):
            (_folder(root, segments[:-1]) / segments[-1]).rmdir()

    def open_read(
        self, job: Job, path: str, *, start: int, length: int | None
    ) -> PieceReader:
        """Open the file at `path`; raises `FileNotFoundError` if there is none."""
        segments = path_segments(path)
        root = self.check(job)
        target = _folder(root, segments[:-1]) / segments[-1]
        with explained(f"read {path}"):
            try:
                return PieceReader.open(target, start=start, length=length)
            except _NO_ENTRY:
                missing = FileNotFoundError(errno.ENOENT, "No such file", path)
        raise missing

    def walk(self, path: str) -> Iterator[StoredFile]:
        """Yield every plain file below the folder `path`; follow no link."""
        segments = path_segments(path) if path else ()
        root = self.check(Job())
        folders = [segments]
        while folders:
            segments = folders.pop()
            with explained(f"list {'/'.join(segments) or self.root}"):
                yield from _list(root, segments, folders)

    def free_space(self, job: Job) -> int:
        """Return the bytes that may still be written."""
        root = self.check(job)
        while not root.exists() and str(root) != self.mount_point:
            root = root.parent
        with explained(f"ask for the free space of {self.root}"):
            status = os.statvfs(root)
        return status.f_bavail * status.f_frsize


def _is_missing(path: Path) -> bool:
    """Tell whether there is surely nothing, not even a link."""
    try:
        path.lstat()
    except PermissionError:
        return False
    except OSError:
        return True
    return False


def _folder(root: Path, segments: tuple[str, ...]) -> Path:
    """Return the folder below the root, if it doesn't lead out by a link."""
    folder = root.joinpath(*segments).resolve()
    if not folder.is_relative_to(root):
        raise PermissionDenied(f"{'/'.join(segments)} leads out of {root}")
    return folder


def make_folders(root: Path, path: str, segments: tuple[str, ...]) -> Path:
    """Make the folder of `path` below the root, each level safe against a power cut."""
    folder = _folder(root, segments)
    missing: list[Path] = []
    level = folder
    with explained(f"write {path}", MAKING):
        # Never above the root: only `make_root` may say where that one is made.
        while level != root and not level.exists():
            missing.append(level)
            level = level.parent
        for level in reversed(missing):
            level.mkdir(exist_ok=True)
            with suppress(OSError):
                sync_folder(level.parent)
    return folder


def _create(temporary: Path) -> int:
    """Return the descriptor of a new file, in the place of a stale one."""
    temporary.unlink(missing_ok=True)
    return open_new(temporary)


def open_new(path: Path) -> int:
    """Return the descriptor of a new file; raises `FileExistsError`."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
    return os.open(path, flags, 0o666)


def _store(
    job: Job,
    reader: Reader,
    writer: int,
    temporary: Path,
    target: Path,
    path: str,
    check: Callable[[Job], Path],
) -> int:
    """Write the file to `temporary`, then rename it; return its size."""
    try:
        try:
            size = _copy(job, reader, writer)
        finally:
            os.close(writer)
        # The share may have gone in the meantime.
        check(job)
        _rename(temporary, target, path)
    except BaseException:
        with suppress(OSError):  # the first error is the one to tell
            temporary.unlink(missing_ok=True)
        raise
    return size


def _rename(temporary: Path, target: Path, path: str) -> None:
    with explained(f"write {path}", RENAMING):
        try:
            temporary.replace(target)
        except FileNotFoundError:
            if temporary.exists() or not temporary.parent.is_dir():
                raise
            raise vanished(temporary.name) from None


def _copy(job: Job, reader: Reader, writer: int) -> int:
    """Copy all pieces down to the disk and compare the sizes; return the size."""
    copied = unsynced = 0
    while piece := _read(reader):
        job.step()
        rest = memoryview(piece)
        while rest:
            rest = rest[os.write(writer, rest) :]
        copied += len(piece)
        unsynced += len(piece)
        if unsynced >= SYNC_EVERY:
            job.step()
            sync(writer)
            unsynced = 0
    job.step()
    sync(writer)
    job.step()
    size, stored = reader.size(), os.fstat(writer).st_size
    if not size == copied == stored:
        raise other_size(f"Of {size} bytes {copied} were read and {stored} arrived")
    return size


def _read(reader: Reader) -> bytes:
    try:
        return reader.read()
    except OSError as err:
        raise unreadable("Reading the source", err) from err


def sync(descriptor: int) -> None:
    """Wait until the bytes are on the disk, where the file system can tell."""
    try:
        os.fsync(descriptor)
    except OSError as err:
        if err.errno not in _NO_SYNC:
            raise


def sync_folder(folder: Path) -> None:
    """Make new names in a folder safe; many file systems refuse."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _list(
    root: Path, segments: tuple[str, ...], folders: list[tuple[str, ...]]
) -> Iterator[StoredFile]:
    """Yield the plain files of one folder and add its folders to `folders`."""
    try:
        entries = os.scandir(_folder(root, segments))
    except _NO_ENTRY:
        return
    with entries:
        for entry in entries:
            inside = (*segments, entry.name)
            if entry.is_dir(follow_symlinks=False):
                if len(inside) < MAX_DEPTH:
                    folders.append(inside)
            elif entry.is_file(follow_symlinks=False):
                with suppress(FileNotFoundError):  # gone since it was listed
                    size = entry.stat(follow_symlinks=False).st_size
                    yield StoredFile(path="/".join(inside), size=size)
