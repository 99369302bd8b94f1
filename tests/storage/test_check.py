"""The test of a destination: it tells which step fails, and leaves nothing."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
import posixpath
import re
from typing import override

import pytest

from custom_components.frigate_snap_sync.storage.base import (
    Capabilities,
    Destination,
    Source,
    StoredFile,
)
from custom_components.frigate_snap_sync.storage.check import (
    FIXED_PROBE,
    CheckResult,
    check_destination,
    leftovers_of,
    probe_name,
    remove_leftovers,
)
from custom_components.frigate_snap_sync.storage.errors import (
    AuthFailed,
    HostKeyChanged,
    NoSpace,
    PermissionDenied,
    Rejected,
    StorageError,
    Unreachable,
    vanished,
)
from custom_components.frigate_snap_sync.storage.layout import Branch, Layout
from custom_components.frigate_snap_sync.storage.leftovers import Leftovers
from custom_components.frigate_snap_sync.storage.names import TemporaryForm
from custom_components.frigate_snap_sync.storage.wrappers import wrapped

from ..waiting import promptly


class Memory(Destination):
    """Keeps files in memory, and fails where it is told to."""

    def __init__(self, **errors: Exception) -> None:
        """Let the named methods fail; `put_again` is the second put."""
        self.files: dict[str, bytes] = {}
        self.errors = errors
        self.deleted: list[str] = []
        self.puts = 0
        self.folders: set[str] = set()
        self.history: list[str] = []
        """Temporary names, in their order."""

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
    async def put(self, path: str, source: Source, *, temporary: str) -> StoredFile:
        self.puts += 1
        self.history.append(temporary)
        self.files[temporary] = b"".join([piece async for piece in source.open()])
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
    async def make_folder(self, path: str) -> bool:
        self._maybe_fail("make_folder")
        is_new = path not in self.folders
        self.folders.add(path)
        return is_new

    @override
    async def remove_folder(self, path: str) -> None:
        self._maybe_fail("remove_folder")
        if any(name.startswith(f"{path}/") for name in (*self.files, *self.folders)):
            raise Rejected("The folder is not empty")
        self.folders.discard(path)

    @override
    async def list_files(self, path: str = "") -> AsyncGenerator[StoredFile]:
        for name, content in self.files.items():
            yield StoredFile(path=name, size=len(content))

    @override
    async def open_read(
        self, path: str, *, start: int = 0, length: int | None = None
    ) -> AsyncGenerator[bytes]:
        self._maybe_fail("open_read")
        if path not in self.files:
            raise FileNotFoundError(path)
        yield self.files[path]

    @override
    async def free_space(self) -> int | None:
        return None


async def test_it_passes(tmp_path: Path) -> None:
    """Files are put, replaced by a shorter one and deleted; nothing is left."""
    destination = Memory()
    result = await check_destination(destination, workdir=tmp_path / "not" / "there")
    assert result == CheckResult(form=TemporaryForm.HIDDEN, left=Leftovers())
    # In a new folder and in that of today.
    assert destination.puts == 3
    assert destination.files == {}
    assert destination.folders == set()
    assert list((tmp_path / "not" / "there").iterdir()) == []


@pytest.mark.parametrize(
    ("method", "step"),
    [
        # Its errors name themselves.
        ("connect", ""),
        ("make_folder", "Making a folder: "),
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
    if method in ("connect", "make_folder"):
        assert destination.deleted == []
    else:
        assert method == "delete" or destination.files == {}
    assert method == "delete" or destination.folders == set()


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
    async def put(self, path: str, source: Source, *, temporary: str) -> StoredFile:
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
    async def open_read(
        self, path: str, *, start: int = 0, length: int | None = None
    ) -> AsyncGenerator[bytes]:
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


async def test_clean_up_is_bounded(tmp_path: Path) -> None:
    """A destination that hangs when it should clean up is left."""

    class Hanging(Memory):
        @override
        async def delete(self, path: str) -> None:
            await asyncio.Event().wait()

    async with promptly():
        with pytest.raises(NoSpace):
            await check_destination(
                Hanging(put=NoSpace("full")), workdir=tmp_path, cleanup_timeout=0.05
            )


class Picky(Memory):
    """Refuses some names, as servers' owners like it."""

    def __init__(self, refused: str, refusal: StorageError) -> None:
        """Refuse temporary names that fit the pattern."""
        super().__init__()
        self.refused = re.compile(refused)
        self.refusal = refusal

    @override
    async def put(self, path: str, source: Source, *, temporary: str) -> StoredFile:
        if self.refused.match(posixpath.basename(temporary)):
            raise self.refusal
        return await super().put(path, source, temporary=temporary)


REFUSALS = [PermissionDenied("Denied"), Rejected("No such file"), vanished(".x.tmp")]


@pytest.mark.parametrize("refusal", REFUSALS)
@pytest.mark.parametrize(
    ("refused", "first", "found"),
    [
        (r"\.", TemporaryForm.HIDDEN, TemporaryForm.PLAIN),
        (r"\.", TemporaryForm.PLAIN, TemporaryForm.PLAIN),
        (r"[^.]", TemporaryForm.PLAIN, TemporaryForm.HIDDEN),
    ],
)
async def test_the_form_that_works_is_found(
    tmp_path: Path,
    refusal: StorageError,
    refused: str,
    first: TemporaryForm,
    found: TemporaryForm,
) -> None:
    """A dot in front is refused by some servers, or such a file is removed."""
    destination = Picky(refused, refusal)
    result = await check_destination(destination, workdir=tmp_path, form=first)
    assert result.form is found
    assert destination.files == {}
    assert destination.folders == set()


@pytest.mark.parametrize("refusal", REFUSALS)
async def test_no_form_works(tmp_path: Path, refusal: StorageError) -> None:
    """That is told, for it is not what one thinks of at "permission denied"."""
    destination = Picky(r".*\.tmp$", refusal)
    with pytest.raises(type(refusal)) as raised:
        await check_destination(destination, workdir=tmp_path)
    assert str(raised.value) == (
        f"{refusal.step or 'Writing'}: Files are taken, but not while they are called"
        f" .….tmp nor ….tmp, as they must be until they are complete: {refusal}"
    )
    assert destination.files == {}
    assert destination.folders == set()


@pytest.mark.parametrize("error", [PermissionDenied("ro"), Rejected("no")])
async def test_nothing_works(tmp_path: Path, error: StorageError) -> None:
    """Then the first refusal is told, whatever else was tried."""
    with pytest.raises(type(error)) as raised:
        await check_destination(Picky("", error), workdir=tmp_path)
    assert str(raised.value) == f"Writing: {error}"


async def test_a_refusal_that_is_over_changes_no_form(tmp_path: Path) -> None:
    """Some trouble of that moment has nothing to do with the name."""

    class Moody(Memory):
        @override
        async def put(self, path: str, source: Source, *, temporary: str) -> StoredFile:
            if not self.history:
                self.history.append(temporary)
                raise Rejected("Not now")
            return await super().put(path, source, temporary=temporary)

    destination = Moody()
    with pytest.raises(Rejected, match="Writing: Not now"):
        await check_destination(destination, workdir=tmp_path)
    result = await check_destination(destination, workdir=tmp_path)
    assert result.form is TemporaryForm.HIDDEN


DATED = Layout(branches=(Branch(today="all/2026-11-22", fixed="all"),))


async def test_it_does_as_uploads_do(tmp_path: Path) -> None:
    """In a new folder beside today's, and in today's, under temporary names."""
    destination = Memory()
    destination.folders = {"all", "all/2026-11-22"}
    await check_destination(destination, workdir=tmp_path, name="probe", layout=DATED)
    assert [posixpath.dirname(path) for path in destination.history] == [
        *["all/probe"] * 2,
        "all/2026-11-22",
    ]
    for temporary in destination.history:
        assert re.fullmatch(r"\.[0-9a-f]{16}\.tmp", posixpath.basename(temporary))
    assert destination.folders == {"all", "all/2026-11-22"}
    assert set(destination.deleted) == {
        "all/probe/probe.mp4",
        "all/2026-11-22/probe.jpg",
    }


@pytest.mark.parametrize("append_only", [False, True])
async def test_a_folder_of_today_that_is_foreign(
    tmp_path: Path, append_only: bool
) -> None:
    """Someone else made it, and keeps everybody else from writing there."""

    class Foreign(Memory):
        @override
        async def put(self, path: str, source: Source, *, temporary: str) -> StoredFile:
            if "2026-11-22" in path:
                raise PermissionDenied("Permission denied")
            return await super().put(path, source, temporary=temporary)

    destination = Foreign()
    destination.folders = {"all", "all/2026-11-22"}
    with pytest.raises(PermissionDenied, match="Writing: Permission denied"):
        await check_destination(
            wrapped(destination, append_only=append_only),
            workdir=tmp_path,
            name="probe",
            layout=DATED,
        )
    left = {"all/probe"} if append_only else set()
    assert {*destination.files} == {f"{folder}/{FIXED_PROBE}" for folder in left}
    assert destination.folders == {"all", "all/2026-11-22"} | left


async def test_where_all_stays_it_does_as_uploads_do(tmp_path: Path) -> None:
    """Each branch is tested, and no folder that gets no uploads; then files stay."""
    two = Layout(
        branches=(*DATED.branches, Branch(today="clips/2026-11-22", fixed="clips"))
    )

    class Rooted(Memory):
        refused = ""

        @override
        async def put(self, path: str, source: Source, *, temporary: str) -> StoredFile:
            if "/" not in path or path.startswith(self.refused or "-"):
                raise PermissionDenied("Permission denied")
            return await super().put(path, source, temporary=temporary)

    destination = Rooted()
    kept = wrapped(destination, append_only=True)
    for _ in range(2):
        destination.files.clear()
        result = await check_destination(
            kept, workdir=tmp_path, name="probe", layout=two
        )
        assert result.can_read
    today = {f"{each}/2026-11-22/{FIXED_PROBE}" for each in ("all", "clips")}
    new = {f"{each}/probe/{FIXED_PROBE}" for each in ("all", "clips")}
    assert {*destination.files} == today | new
    assert destination.deleted == []
    destination.refused = "clips/"
    with pytest.raises(PermissionDenied, match="Writing: Permission denied"):
        await check_destination(kept, workdir=tmp_path, name="probe", layout=two)

    # Once things may be deleted, nothing is in the way of the next test.
    destination.refused = ""
    result = await check_destination(
        destination, workdir=tmp_path, name="probe", layout=two
    )
    assert not result.left
    assert {*destination.files} == today


async def test_where_all_stays_no_folder_of_one_item_is_made(tmp_path: Path) -> None:
    """Of today only the first level: those below it are an event's."""
    of_one = Layout(branches=(Branch(today="all/2026-11-22/l0g9kw", fixed="all"),))
    destination = Memory()
    for _ in range(2):
        await check_destination(
            wrapped(destination, append_only=True),
            workdir=tmp_path,
            name="probe",
            layout=of_one,
        )
    today = "all/2026-11-22"
    assert destination.folders == {"all", today, "all/probe", "all/probe/probe"}
    assert {*destination.files} == {
        f"{folder}/{FIXED_PROBE}" for folder in (today, "all/probe/probe")
    }


async def test_folders_that_it_made_are_removed_and_no_others(tmp_path: Path) -> None:
    """What an upload has put into one of them meanwhile stays, with its folder."""

    class Busy(Memory):
        @override
        async def delete(self, path: str) -> None:
            await super().delete(path)
            if "2026-11-22" in path:
                self.files["all/2026-11-22/upload.jpg"] = b""

    destination = Busy()
    result = await check_destination(
        destination, workdir=tmp_path, name="probe", layout=DATED
    )
    assert destination.folders == {"all", "all/2026-11-22"}
    assert not result.left


async def test_folders_are_not_needed(tmp_path: Path) -> None:
    """A template may give names without one."""
    destination = Memory(make_folder=PermissionDenied("Never asked"))
    await check_destination(destination, workdir=tmp_path, layout=Layout())
    assert destination.puts == 2


async def test_what_can_not_be_removed_is_told_and_not_doubled(tmp_path: Path) -> None:
    """Folders that stay harm no upload; a file that stays fails the test."""
    keeping = Memory(remove_folder=PermissionDenied("Denied"))
    left = Leftovers(folders=("all/probe",))
    for _ in range(2):
        result = await check_destination(
            keeping, workdir=tmp_path, name="probe", layout=DATED
        )
        assert result.left == left
    assert keeping.files == {}

    hoarding = Memory(delete=PermissionDenied("Denied"))
    for _ in range(3):
        with pytest.raises(PermissionDenied, match="Deleting: Denied"):
            await check_destination(
                hoarding, workdir=tmp_path, name="probe", layout=DATED
            )
    assert set(hoarding.files) == {"all/probe/probe.mp4"}
    assert {*hoarding.files} <= {*leftovers_of("probe", DATED).files}
    del hoarding.errors["delete"]
    left = leftovers_of("probe", DATED)
    assert await remove_leftovers(hoarding, left) == Leftovers()
    assert hoarding.files == {}
    assert hoarding.folders == {"all"}


async def test_leftovers_of_a_cut_off_test_are_known(tmp_path: Path) -> None:
    """Whenever it was cut off: all that may lie there is in the list."""

    class Dying(Memory):
        @override
        async def delete(self, path: str) -> None:
            raise Unreachable("The machine is off")

    for refused in ("never", r"\.", r".*\.tmp$"):
        destination = Dying()
        picky = Picky(refused, PermissionDenied("Denied"))
        picky.delete = destination.delete  # type: ignore[method-assign]
        with pytest.raises(StorageError):
            await check_destination(picky, workdir=tmp_path, name="probe", layout=DATED)
        known = leftovers_of("probe", DATED)
        assert {*picky.files} <= {*known.files}
        assert {*picky.folders} <= {*known.folders, "all"}


def test_leftovers_are_sets() -> None:
    """Added and taken away, in their order."""
    one = Leftovers(files=("a", "b"), folders=("x",))
    two = Leftovers(files=("b", "c"))
    assert one | two == Leftovers(files=("a", "b", "c"), folders=("x",))
    assert one - two == Leftovers(files=("a",), folders=("x",))
    assert one
    assert not Leftovers()


async def test_two_tests_of_one_name_take_turns(tmp_path: Path) -> None:
    """Those of a form and of what is in use already: neither deletes the other's."""
    destination = Memory()
    async with promptly():
        await asyncio.gather(
            *(
                check_destination(destination, workdir=tmp_path, name="probe")
                for _ in range(5)
            )
        )
    assert (destination.files, destination.folders) == ({}, set())


def test_probe_names_are_always_the_same() -> None:
    """So a leftover is replaced; and no two destinations share one."""
    assert probe_name("a") == probe_name("a") != probe_name("b")


class Bucket(Memory):
    """Has no folders, and a login that may be limited to writing."""

    may_be_limited = True
    can_read = True
    can_delete = True

    @property
    @override
    def capabilities(self) -> Capabilities:
        return Capabilities(
            folders=False,
            can_read=self.can_read,
            can_delete=self.can_delete,
            may_be_limited=self.may_be_limited,
        )


DENIED = PermissionDenied("no")


@pytest.mark.parametrize(
    ("denied", "can_read", "can_delete"),
    [
        ((), True, True),
        (("stat", "open_read", "delete"), False, False),
        (("stat",), False, True),
        (("open_read",), False, True),
        (("delete",), True, False),
    ],
)
async def test_limits_of_a_login_are_found(
    tmp_path: Path, denied: tuple[str, ...], can_read: bool, can_delete: bool
) -> None:
    """What it can't do is no failure; what it can't delete is one file, each time."""
    bucket = Bucket(**dict.fromkeys(denied, DENIED))
    for _ in range(2):
        result = await check_destination(bucket, workdir=tmp_path)
        assert (result.can_read, result.can_delete) == (can_read, can_delete)
        assert set(bucket.files) == (set() if can_delete else {FIXED_PROBE})


async def test_known_limits_are_kept_to(tmp_path: Path) -> None:
    """What a login can't do is not asked again; what it can do must still work."""
    bucket = Bucket(stat=DENIED, open_read=DENIED, delete=DENIED)
    bucket.may_be_limited = bucket.can_read = bucket.can_delete = False
    result = await check_destination(bucket, workdir=tmp_path)
    assert (result.can_read, result.can_delete) == (False, False)
    assert set(bucket.files) == {FIXED_PROBE}

    bucket.can_read = True
    with pytest.raises(PermissionDenied, match="Looking at the file"):
        await check_destination(bucket, workdir=tmp_path)
    bucket.can_delete, bucket.can_read = True, False
    with pytest.raises(PermissionDenied, match="Deleting"):
        await check_destination(bucket, workdir=tmp_path)


async def test_limits_of_another_login_are_failures(tmp_path: Path) -> None:
    """Only where a key may be limited on purpose is a refusal no failure."""
    bucket = Bucket(delete=DENIED)
    bucket.may_be_limited = False
    with pytest.raises(PermissionDenied, match="Deleting"):
        await check_destination(bucket, workdir=tmp_path)


class Shared(Bucket):
    """Of which another test deletes the fixed probe, or writes its own, some times."""

    def __init__(self, *, times: int, other: bytes | None) -> None:
        """Let that happen so many times; `other` is what is written, None: deleted."""
        super().__init__()
        self.times = times
        self.other = other

    @override
    async def put(self, path: str, source: Source, *, temporary: str) -> StoredFile:
        stored = await super().put(path, source, temporary=temporary)
        if path == FIXED_PROBE and self.times:
            self.times -= 1
            if self.other is None:
                del self.files[path]
            else:
                self.files[path] = self.other
        return stored


@pytest.mark.parametrize("other", [None, b"another test"])
async def test_two_tests_at_once_share_the_fixed_probe(
    tmp_path: Path, other: bytes | None
) -> None:
    """What another one did to it meanwhile is no limit of the login."""
    result = await check_destination(Shared(times=2, other=other), workdir=tmp_path)
    assert result.can_read
    assert result.can_delete


@pytest.mark.parametrize(
    ("other", "said"), [(None, "not there"), (b"another", "Other bytes")]
)
async def test_only_the_bytes_prove_that_a_login_can_read(
    tmp_path: Path, other: bytes | None, said: str
) -> None:
    """A server that only seems to store is refused, not taken for a limited login."""
    with pytest.raises(Rejected, match=said):
        await check_destination(Shared(times=99, other=other), workdir=tmp_path)


async def test_only_its_absence_proves_that_a_file_can_be_deleted(
    tmp_path: Path,
) -> None:
    """A server that says yes and keeps it takes new files only."""

    class Keeping(Bucket):
        @override
        async def delete(self, path: str) -> None:
            assert path in self.files

    bucket = Keeping()
    result = await check_destination(bucket, workdir=tmp_path)
    assert (result.can_read, result.can_delete) == (True, False)
    assert set(bucket.files) == {FIXED_PROBE}


async def test_a_login_that_may_not_look_nor_list(tmp_path: Path) -> None:
    """It hears that what it has written is not there, and that reading is refused."""

    class Blind(Bucket):
        @override
        async def stat(self, path: str) -> StoredFile | None:
            return None

    bucket = Blind(open_read=DENIED, delete=DENIED)
    result = await check_destination(bucket, workdir=tmp_path)
    assert (result.can_read, result.can_delete) == (False, False)
    assert set(bucket.files) == {FIXED_PROBE}
