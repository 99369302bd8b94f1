"""The end-to-end test of a destination: all that an upload needs, done once."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
import hashlib
from pathlib import Path
import posixpath
from secrets import token_hex
from typing import Final

from .base import Destination
from .errors import (
    DELETING,
    LOOKING,
    MAKING,
    READING,
    REPLACING,
    WRITING,
    NoSpace,
    PermissionDenied,
    Rejected,
    StorageError,
)
from .layout import Layout, dated_layout, levels_of
from .leftovers import Leftovers
from .login_limits import may_delete, may_read
from .names import TemporaryForm, is_temporary, temporary_name
from .probe_files import probe_sources, read_probe
from .source import FileSource
from .steps import step_of

PROBE_PREFIX: Final = "frigate-snap-sync-check-"
"""How the names of probe files and folders begin, should one ever be left behind."""

FIXED_PROBE: Final = "frigate-snap-sync-check.jpg"
"""What is written where nothing can be deleted: each test replaces that of its folder."""

CLEANUP_TIMEOUT: Final = 10.0
"""Seconds for removing what a failed test left."""

_REFUSALS: Final = (PermissionDenied, Rejected, NoSpace)
"""What a server that is there answers to what it does not want to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """What a passed test has found out: the form of temporary names that works.

    `left` are folders that the server does not remove, which no upload needs.
    `can_read` and `can_delete` are what the login may do besides writing.
    """

    form: TemporaryForm
    left: Leftovers
    can_read: bool = True
    can_delete: bool = True


def probe_name(whose: str) -> str:
    """Return the name of an owner's probe, always the same.

    So what one test had to leave is replaced by the next, not joined by more.
    """
    return PROBE_PREFIX + _digest(whose)


def leftovers_of(name: str, layout: Layout) -> Leftovers:
    """Return all that a test may leave if it is cut off."""
    files: list[str] = []
    folders: list[str] = []
    for branch in layout.branches:
        new = branch.new_folder(name)
        for folder, extension in ((new, "mp4"), (branch.today, "jpg")):
            files += _traces(posixpath.join(folder, f"{name}.{extension}"))
        folders += [path for path in reversed(levels_of(new)) if name in path]
    return Leftovers() | Leftovers(files=tuple(files), folders=tuple(folders))


async def check_destination(
    destination: Destination,
    *,
    workdir: Path,
    name: str | None = None,
    layout: Layout | None = None,
    form: TemporaryForm = TemporaryForm.HIDDEN,
    cleanup_timeout: float = CLEANUP_TIMEOUT,
) -> CheckResult:
    """Do once all that uploads do, and remove what that leaves.

    In a new folder, made as those of the files are (`layout`, by default that of
    the default names): write under a temporary name, rename, replace, read back,
    compare and delete. Then write and delete in the folder that files of this moment
    go to, which may be there and belong to others. `name` is that of the probe's files
    and folder; what has that name is replaced. `form` is that of temporary names that
    is tried first; if it is refused, so is the other. `workdir` is a folder of this
    machine for the probe's source, made if it is missing.

    Where nothing can be deleted, a file with a fixed name is written in the new folder,
    and read back if that is allowed; both stay. So it is in the folder of this moment,
    if that is there. A login that may be limited shows with it what it can.

    Raises the `StorageError` of the step that fails, whose text begins with that
    step unless it is the connection; tries to remove everything in any case. The
    destination stays connected.
    """
    name = name or probe_name(str(workdir))
    layout = layout or dated_layout(datetime.now().astimezone())
    await destination.connect()
    test = _Test(destination, name, form)
    async with probe_sources(workdir, name) as sources:
        try:
            limits = await _find_limits(destination, test, sources[1], layout)
            if not limits.can_delete:
                if destination.capabilities.folders:
                    await test.add_everywhere(sources[1], layout)
                return limits
        except BaseException:
            # Where nothing is deleted it stays, for the next test.
            await test.clean_up(cleanup_timeout)
            raise
        test.can_read = limits.can_read
        try:
            for number, branch in enumerate(layout.branches):
                new = branch.new_folder(name)
                path = posixpath.join(new, f"{name}.mp4")
                if not await test.make_folder(new):
                    await test.delete_stale(path)
                    if name in new and destination.capabilities.folders:
                        # From when nothing could be deleted.
                        await test.delete_stale(posixpath.join(new, FIXED_PROBE))
                await test.write(path, sources[0])
                if not number:
                    await test.replace(path, sources[1])
                    await test.compare(path, sources[1])
                await test.delete(path)
                if branch.today != new:
                    await test.make_folder(branch.today)
                    path = posixpath.join(branch.today, f"{name}.jpg")
                    await test.write(path, sources[1])
                    await test.delete(path)
        except BaseException:
            await test.clean_up(cleanup_timeout)
            raise
        left = await test.remove_folders()
    return CheckResult(form=test.form, left=left, can_read=test.can_read)


async def _find_limits(
    destination: Destination, test: _Test, source: FileSource, layout: Layout
) -> CheckResult:
    """Write the fixed probe where a login can't do all, and tell what it can do."""
    known, branch = destination.capabilities, layout.branches[0]
    can_read, can_delete = known.can_read, known.can_delete
    folder = branch.fixed
    if known.folders and not can_delete:
        folder = branch.new_folder(test.name)
        await test.make_folder(folder)
    path = fixed = posixpath.join(folder, FIXED_PROBE)
    if not can_delete:
        path = await test.add(folder, source)
    elif known.may_be_limited:
        await test.write(path, source)
    if known.may_be_limited:

        async def write_again() -> None:
            await test.write(path, source)

        # Another test may replace or delete the fixed one, and no other.
        again = write_again if path == fixed else None
        can_read = await may_read(destination, path, source, again)
        can_delete = can_delete and await may_delete(destination, path, can_read)
    elif can_read and not can_delete:
        await test.compare(path, source)
    return CheckResult(
        form=test.form, left=Leftovers(), can_read=can_read, can_delete=can_delete
    )


async def remove_leftovers(destination: Destination, left: Leftovers) -> Leftovers:
    """Remove what tests had to leave; return what the server does not remove.

    Raises `StorageError` when it is not there to be asked.
    """
    files = [path for path in left.files if not await _removed(destination, path)]
    folders = [
        x for x in left.folders if not await _removed(destination, x, is_folder=True)
    ]
    return Leftovers(files=tuple(files), folders=tuple(folders))


class _Test:
    """The steps of one test, and what they have made so far."""

    def __init__(
        self, destination: Destination, name: str, form: TemporaryForm
    ) -> None:
        self.form = form
        self.can_read = True
        self.name = name
        self._destination = destination
        self._files: dict[str, None] = {}
        """Names that were used, in their order."""
        self._folders: list[str] = []
        self._is_proven = False

    async def make_folder(self, folder: str) -> bool:
        """Make a folder and those above it; tell whether it was missing."""
        is_new = False
        for path in levels_of(folder):
            if path in self._folders:
                continue
            with step_of(MAKING):
                is_new = await self._destination.make_folder(path)
            # One with the probe's name was left by an earlier test.
            if is_new or self.name in path:
                self._folders.append(path)
        return is_new

    async def delete_stale(self, path: str) -> None:
        """Remove what an earlier test had to leave, or nothing is put beside it."""
        with step_of(DELETING):
            for trace in _traces(path):
                await _remove_file(self._destination, trace)

    async def write(self, path: str, source: FileSource) -> None:
        """Store the file, under the form of temporary names that the server takes."""
        with step_of(WRITING, is_broad=True):
            try:
                await self._put(path, source, self._temporary(path))
            except (PermissionDenied, Rejected) as err:
                if self._is_proven or err.step in (MAKING, READING):
                    raise
                await self._find_form(path, source, err)
        self._is_proven = True

    async def add_everywhere(self, source: FileSource, layout: Layout) -> None:
        """Store the file in all folders where `check_destination` has to leave one.

        In the first branch's new folder it is already.
        """
        for number, branch in enumerate(layout.branches):
            new = branch.new_folder(self.name)
            if number:
                await self.make_folder(new)
                await self.add(new, source)
            # One of today's that was missing is made as the new one was.
            today = branch.first_of_today
            if today != new and not await self.make_folder(today):
                await self.add(today, source)

    async def add(self, folder: str, source: FileSource) -> str:
        """Store the file where nothing can be deleted; return its path."""
        path = posixpath.join(folder, FIXED_PROBE)
        try:
            await self.write(path, source)
        except (PermissionDenied, Rejected) as err:
            if err.step in (MAKING, READING):
                raise
            # That of an earlier test may be in the way, where nothing is replaced.
            path = posixpath.join(folder, f"{PROBE_PREFIX}{token_hex(4)}.jpg")
            await self.write(path, source)
        return path

    async def replace(self, path: str, source: FileSource) -> None:
        """Store another file of the same name."""
        with step_of(REPLACING):
            await self._put(path, source, self._temporary(path))

    async def compare(self, path: str, source: FileSource) -> None:
        """Look at the file, and read it back, if that is allowed."""
        if not self.can_read:
            return
        expected = await asyncio.to_thread(source.local_path.read_bytes)
        with step_of(LOOKING):
            stored = await self._destination.stat(path)
            if stored is None:
                raise Rejected("It is not there", hint="file_missing")
            if stored.size != len(expected):
                raise Rejected(
                    f"It has {stored.size} bytes instead of {len(expected)}",
                    hint="other_size",
                )
        with step_of(READING):
            read = await read_probe(self._destination, path, most=len(expected))
            if read != expected:
                raise Rejected(
                    "Other bytes came back than were written", hint="other_bytes"
                )

    async def delete(self, path: str) -> None:
        """Remove the file, and see that it is gone."""
        with step_of(DELETING):
            await self._destination.delete(path)
            if self.can_read and await self._destination.stat(path) is not None:
                raise Rejected("The file is still there", hint="still_there")
        self._files.clear()

    async def remove_folders(self) -> Leftovers:
        """Remove the folders that were made; return those of the probe that stay.

        In one of today's an upload may lie by now.
        """
        left = Leftovers(folders=tuple(reversed(self._folders)))
        left = await remove_leftovers(self._destination, left)
        return Leftovers(folders=tuple(x for x in left.folders if self.name in x))

    async def clean_up(self, seconds: float) -> None:
        """Remove what was made, if the destination still answers."""
        folders = tuple(reversed(self._folders))
        left = Leftovers(files=tuple(self._files), folders=folders)
        # The first failure is the one to tell.
        with suppress(TimeoutError, StorageError):
            async with asyncio.timeout(seconds):
                await remove_leftovers(self._destination, left)

    async def _put(self, path: str, source: FileSource, temporary: str) -> None:
        self._files |= {temporary: None, path: None}
        await self._destination.put(path, source, temporary=temporary)

    async def _find_form(
        self, path: str, source: FileSource, refusal: StorageError
    ) -> None:
        """Take the other form of temporary names, if that is what was refused.

        Raises the refusal if it is not; of a server that takes files of other names
        the error says so.
        """
        first, self.form = self.form, self.form.other
        if await self._is_taken(path, source, self._temporary(path)):
            self.form = first
            if await self._is_taken(path, source, self._temporary(path)):
                raise refusal  # It was something else, and is over.
            self.form = first.other
            return
        self.form = first
        if not await self._is_taken(path, source, _trial_name(path)):
            raise refusal
        names = [
            posixpath.basename(temporary_name(path, "…", form))
            for form in TemporaryForm
        ]
        error = type(refusal)(
            f"Files are taken, but not while they are called {' nor '.join(names)}, as they must"
            f" be until they are complete: {refusal}",
            hint="names_refused",
            about=", ".join(names),
            said=refusal.said,
        )
        error.step = refusal.step
        raise error from refusal

    async def _is_taken(self, path: str, source: FileSource, temporary: str) -> bool:
        try:
            await self._put(path, source, temporary)
        except _REFUSALS:
            return False
        return True

    def _temporary(self, path: str) -> str:
        return temporary_name(path, _digest(path), self.form)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _trial_name(path: str) -> str:
    """Return a temporary name that looks like a final one."""
    stem, extension = posixpath.splitext(path)
    return f"{stem}-2{extension}"


def _traces(path: str) -> list[str]:
    """Return all names that a file may have had on its way to `path`."""
    temporary = [temporary_name(path, _digest(path), form) for form in TemporaryForm]
    return [*temporary, _trial_name(path), path]


async def _removed(
    destination: Destination, path: str, *, is_folder: bool = False
) -> bool:
    try:
        if is_folder:
            await destination.remove_folder(path)
        else:
            await _remove_file(destination, path)
    except _REFUSALS:
        return False
    return True


async def _remove_file(destination: Destination, path: str) -> None:
    if is_temporary(path):
        await destination.discard(path)
    else:
        await destination.delete(path)
