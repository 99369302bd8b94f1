"""Where nothing may be deleted or replaced, nothing is, whatever happens."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
import posixpath
import sqlite3
import time
from typing import override

import pytest

from custom_components.frigate_snap_sync.storage.base import (
    Capabilities,
    Source,
    StoredFile,
)
from custom_components.frigate_snap_sync.storage.check import FIXED_PROBE
from custom_components.frigate_snap_sync.storage.errors import (
    PermissionDenied,
    Rejected,
    Unreachable,
)
from custom_components.frigate_snap_sync.storage.wrappers import wrapped
from custom_components.frigate_snap_sync.sync.engine import (
    DestinationSetup,
    EngineOptions,
)
from custom_components.frigate_snap_sync.sync.ledger import items, outcomes
from custom_components.frigate_snap_sync.sync.model.naming import retried

from ..waiting import promptly
from .conftest import Bench, setup, until
from .fakes import IMAGE, FakeDestination
from .ledgers import wanted
from .samples import ITEM
from .test_catch_up import review, show
from .test_requests import CAMERA, hour_ago, records


class Vault(FakeDestination):
    """Takes new files, and notes whoever wants more than that.

    One that `is_blind` shows nothing of what lies there. The answer to as many files
    as `losses` gets lost after they have arrived.
    """

    def __init__(self, *, is_blind: bool = False) -> None:
        """Start empty."""
        super().__init__()
        self.is_blind = is_blind
        self.losses = 0
        self.overwritten: list[str] = []
        self.removed_folders: list[str] = []

    @override
    async def put(self, path: str, source: Source, *, temporary: str) -> StoredFile:
        if path in self.files:
            self.overwritten.append(path)
        stored = await super().put(path, source, temporary=temporary)
        if self.losses:
            self.losses -= 1
            raise Unreachable("The answer got lost")
        return stored

    @override
    async def stat(self, path: str) -> StoredFile | None:
        self._refuse_if_blind()
        return await super().stat(path)

    @override
    def open_read(
        self, path: str, *, start: int = 0, length: int | None = None
    ) -> AsyncGenerator[bytes]:
        self._refuse_if_blind()
        return super().open_read(path, start=start, length=length)

    @override
    async def remove_folder(self, path: str) -> None:
        self.removed_folders.append(path)

    def _refuse_if_blind(self) -> None:
        if self.is_blind:
            raise PermissionDenied("Access denied")

    def assert_untouched(self) -> None:
        """Nothing was deleted, and nothing replaced but the probe."""
        assert self.deleted == []
        assert self.removed_folders == []
        assert {posixpath.basename(each) for each in self.overwritten} <= {FIXED_PROBE}


@pytest.fixture(params=[False, True], ids=["readable", "write-only"])
def vault(request: pytest.FixtureRequest) -> Vault:
    """Return a destination of either kind."""
    return Vault(is_blind=request.param)


def append_only(vault: Vault, *, verify: bool = False) -> DestinationSetup:
    """Return the destination as its owner set it up."""
    can_read = not vault.is_blind
    return setup(wrapped(vault, verify=verify, append_only=True, can_read=can_read))


async def forgotten(bench: Bench) -> None:
    """Wait until nothing waits to be removed."""

    def waiting(connection: sqlite3.Connection) -> int:
        query = "SELECT COUNT(*) FROM uploads WHERE clean_up IS NOT NULL"
        return int(connection.execute(query).fetchone()[0])

    async with promptly():
        while await bench.engine._ledger.run(waiting):  # noqa: SLF001
            await asyncio.sleep(0.005)


async def test_parts_stay_beside_their_whole(bench: Bench, vault: Vault) -> None:
    """They lie there, so they are verified: nothing of them waits to be removed."""
    bench.options = EngineOptions(upload_during_review=True, part_length=10)
    await bench.start(append_only(vault))
    begin = time.time() - 25
    bench.review("new", start=begin)
    await until(lambda: any("-part" in name for name in vault.media))
    bench.review("end", start=begin, end=time.time())
    await until(lambda: any("-part" not in name for name in vault.media))
    counts = await bench.settled()
    await bench.at_rest()
    assert counts["verified"] == len(vault.media) >= 2
    await forgotten(bench)
    await until(lambda: bench.status.destinations["nas"].recordings_uploaded == 1)
    assert bench.status.destinations["nas"].failed_uploads == 0
    vault.assert_untouched()


async def test_an_answer_gets_lost(bench: Bench, vault: Vault) -> None:
    """The copy counts where it is proven; else the next one has a name of its own."""
    await bench.start(append_only(vault))
    vault.losses = 1
    bench.live_snapshot()
    assert await bench.settled() == {"verified": 1}
    assert set(vault.media.values()) == {IMAGE}
    assert len(vault.media) == (2 if vault.is_blind else 1)
    vault.assert_untouched()


async def test_half_a_file_under_the_final_name(bench: Bench) -> None:
    """Some servers leave one: it stays, and the whole one gets another name."""

    class Halving(Vault):
        @override
        async def put(self, path: str, source: Source, *, temporary: str) -> StoredFile:
            if self.losses:
                self.losses -= 1
                self.files[path] = b"half"
                raise Rejected("The server broke off")
            return await super().put(path, source, temporary=temporary)

    vault = Halving()
    await bench.start(append_only(vault))
    vault.losses = 2
    bench.live_snapshot()
    assert await bench.settled() == {"verified": 1}
    assert sorted(vault.media.values()) == sorted([b"half", b"half", IMAGE])
    (row,) = await bench.uploads()
    assert vault.media[row.path] == IMAGE
    vault.assert_untouched()


async def test_a_name_is_taken(bench: Bench) -> None:
    """By a file that the ledger does not know: it stays, and so does ours."""
    vault = Vault()
    await bench.start(append_only(vault))
    await bench.engine.set_sending("nas", False)
    bench.live_snapshot()
    await bench.pending(1)
    (row,) = await bench.uploads()
    vault.files[row.path] = b"of somebody else"
    await bench.engine.set_sending("nas", True)
    assert await bench.settled() == {"verified": 1}
    assert vault.media.pop(row.path) == b"of somebody else"
    (row,) = await bench.uploads()
    assert {name: data for name, data in vault.media.items() if data == IMAGE} == {
        row.path: IMAGE
    }
    vault.assert_untouched()


async def test_a_copy_that_is_not_what_was_sent(bench: Bench) -> None:
    """It stays as well, and is sent again under another name."""

    class Spoiling(Vault):
        @override
        async def put(self, path: str, source: Source, *, temporary: str) -> StoredFile:
            losses, self.losses = self.losses, 0
            stored = await super().put(path, source, temporary=temporary)
            if losses and not path.endswith(FIXED_PROBE):
                self.files[path] = b"x" * len(self.files[path])
            return stored

    vault = Spoiling()
    vault.losses = 1
    await bench.start(append_only(vault, verify=True))
    bench.live_snapshot()
    assert await bench.settled() == {"verified": 1}
    (row,) = await bench.uploads()
    assert vault.media[row.path] == IMAGE
    assert len(vault.media) == 2
    vault.assert_untouched()


async def test_killed_in_mid_upload(bench: Bench, vault: Vault) -> None:
    """What lies there under a temporary name stays, and is nothing that waits."""
    await bench.start(append_only(vault))
    vault.gate.clear()
    bench.live_snapshot()
    await until(lambda: any(name.endswith(".tmp") for name in vault.files))
    await bench.stop()
    left = {name for name in vault.files if name.endswith(".tmp")}
    vault.gate.set()
    await bench.start(append_only(vault))
    assert await bench.settled() == {"verified": 1}
    await bench.at_rest()
    assert left <= set(vault.files)
    assert list(vault.media.values()) == [IMAGE]
    vault.assert_untouched()


async def test_a_part_that_was_given_up(bench: Bench, vault: Vault) -> None:
    """What was to be removed before the owner chose to keep all is forgotten."""
    await bench.start(append_only(vault))
    await until(lambda: bench.status.destinations["nas"].connected)
    vault.files["0.mp4"] = b"a part"
    run = bench.engine._ledger.run  # noqa: SLF001
    await run(items.plan, ITEM, (wanted("nas", path="0.mp4"),))

    def supersede(connection: sqlite3.Connection) -> None:
        connection.execute("UPDATE files SET state = 'released'")
        connection.execute("UPDATE uploads SET state = 'superseded', clean_up = 'file'")

    await run(supersede)
    bench.engine._pool.wake(["nas"])  # noqa: SLF001

    await forgotten(bench)
    assert vault.files["0.mp4"] == b"a part"
    vault.assert_untouched()


async def test_tests_leave_one_file_in_a_folder(bench: Bench, vault: Vault) -> None:
    """The same for each test, in a new one and in today's; it is no leftover."""
    await bench.start(append_only(vault))
    for _ in range(3):
        await bench.engine.test_destination("nas")
    assert [posixpath.basename(path) for path in vault.files] == [FIXED_PROBE] * 2
    left = await bench.engine._ledger.run(  # noqa: SLF001
        lambda connection: connection.execute(
            "SELECT probe FROM destinations"
        ).fetchone()[0]
    )
    assert left is None
    vault.assert_untouched()


async def test_a_test_where_not_even_the_probe_is_replaced(bench: Bench) -> None:
    """It gets another name there: nothing else proves that files are taken."""

    class Worm(Vault):
        @override
        async def put(self, path: str, source: Source, *, temporary: str) -> StoredFile:
            if path in self.files:
                raise PermissionDenied("Retained")
            return await super().put(path, source, temporary=temporary)

    vault = Worm()
    await bench.start(append_only(vault))
    await bench.engine.test_destination("nas")
    await bench.engine.test_destination("nas")
    names = [posixpath.basename(path) for path in vault.files]
    assert len(names) == 4
    assert names.count(FIXED_PROBE) == 2
    vault.refused_with = PermissionDenied("Read-only")
    with pytest.raises(PermissionDenied):
        await bench.engine.test_destination("nas")
    vault.assert_untouched()


async def test_reading_is_refused_later(bench: Bench) -> None:
    """That is a failure: retries would no longer know what is there."""
    vault = Vault()
    await bench.start(append_only(vault))
    await bench.engine.test_destination("nas")
    vault.is_blind = True
    with pytest.raises(PermissionDenied, match="Looking at the file"):
        await bench.engine.test_destination("nas")


async def test_no_audit_where_nothing_can_be_looked_at(bench: Bench) -> None:
    """It would only fail."""
    bench.timing = replace(bench.timing, audit=0, probe=0.02)
    vault = Vault(is_blind=True)
    await bench.start(append_only(vault))
    bench.live_snapshot()
    assert await bench.settled() == {"verified": 1}
    connects = vault.connects
    await until(lambda: vault.connects > connects + 3)
    assert bench.status.destinations["nas"].last_error is None


@pytest.mark.parametrize("asked", ["review", "range"])
async def test_a_destination_that_was_added_again(
    bench: Bench, vault: Vault, asked: str
) -> None:
    """Its record is new, what lies there is not: it is sent beside that."""
    begin = hour_ago()
    if asked == "range":
        records(bench.frigate, (begin, begin + 60))
    show(bench, review("visit", -500, -400))
    await bench.start(append_only(vault))
    requests = bench.engine.requests
    for id_ in ("nas", "again"):
        # As a subentry that was removed and added: its id is another.
        await bench.engine.apply_destinations([])
        await bench.engine.apply_destinations([replace(append_only(vault), id=id_)])
        if asked == "range":
            await requests.upload_range(CAMERA, begin, begin + 60)
        else:
            await requests.upload_review("1.5-visit")
        await until(lambda: bench.status.destinations[id_].recordings_uploaded)  # noqa: B023
        if id_ == "nas":
            (path,) = vault.media
            vault.files[path] = b"earlier"
    assert vault.files[path] == b"earlier"
    assert len(vault.media) == 2
    vault.assert_untouched()


async def test_an_entry_that_was_made_again(bench: Bench, vault: Vault) -> None:
    """Its ledger knows nothing of what an earlier one has brought there."""
    again = Bench(bench.folder / "again")
    for entry in (bench, again):
        show(entry, review("visit", -500, -400))
        await entry.start(append_only(vault))
        await entry.engine.requests.upload_review("1.5-visit")
        assert await entry.settled() == {"verified": 1}
        if entry is bench:
            (path,) = vault.media
            vault.files[path] = b"earlier"
    assert vault.files[path] == b"earlier"
    assert len(vault.media) == 2
    vault.assert_untouched()
    await again.stop()


async def test_back_at_an_earlier_place(bench: Bench, vault: Vault) -> None:
    """What was tried there before is forgotten by then, and may lie there."""
    vault.losses = 1
    bench.timing = replace(bench.timing, first_retry=60, longest_retry=60)
    await bench.start(replace(append_only(vault), place="a"))
    bench.live_snapshot()
    await until(lambda: vault.media)
    (path,) = vault.media
    await until(lambda: bench.status.destinations["nas"].last_error)
    vault.files[path] = b"earlier"
    elsewhere = Vault(is_blind=vault.is_blind)
    elsewhere.error = Unreachable("off")
    for place, at in (("b", elsewhere), ("a", vault)):
        await bench.engine.apply_destinations([replace(append_only(at), place=place)])
    assert await bench.settled() == {"verified": 1}
    assert vault.files[path] == b"earlier"
    assert len(vault.media) == 2
    vault.assert_untouched()


@pytest.mark.parametrize("has_id", [True, False])
async def test_names_of_a_template_where_nothing_can_be_seen(
    bench: Bench, has_id: bool
) -> None:
    """One without the id may be that of anything; the id of a new item is new."""
    vault = Vault(is_blind=True)
    vault.files["front_door.jpg"] = b"theirs"
    await bench.start(
        replace(
            append_only(vault),
            render=lambda values: values.camera + (f"-{values.id}" if has_id else ""),
        )
    )
    bench.live_snapshot()
    assert await bench.settled() == {"verified": 1}
    assert vault.files.pop("front_door.jpg") == b"theirs"
    (path,) = vault.media
    assert ("-retry-" in path) is not has_id
    vault.assert_untouched()


async def test_a_new_item_keeps_its_name(bench: Bench) -> None:
    """Also if Frigate's clock is ahead: by our clock it began later."""
    vault = Vault(is_blind=True)
    await bench.start(append_only(vault))
    await bench.engine.apply_destinations([])
    bench.frigate.clock_offset = -300.0
    vault_again = replace(append_only(vault), id="again")
    await bench.engine.apply_destinations([vault_again])
    for seconds, source_id in ((400, "1.5-later"), (290, "1.5-before")):
        start = time.time() + seconds
        bench.tracked_object(source_id=source_id, start_time=start, end_time=start + 1)
    assert await bench.settled() == {"verified": 2}
    names = {("later" in path, "-retry-" in path) for path in vault.media}
    assert names == {(True, False), (False, True)}


async def test_what_is_given_up_is_forgotten(bench: Bench, vault: Vault) -> None:
    """A try that failed leaves nothing to be removed when it is no longer wanted."""
    bench.timing = replace(bench.timing, first_retry=60, longest_retry=60)
    await bench.start(append_only(vault))
    vault.refused_with = Rejected("no")
    bench.live_snapshot()
    await until(lambda: bench.status.destinations["nas"].last_error)
    run = bench.engine._ledger.run  # noqa: SLF001

    def give_up(connection: sqlite3.Connection) -> None:
        ids = [row["id"] for row in connection.execute("SELECT id FROM uploads")]
        outcomes.skip(connection, ids, "no longer wanted", now=time.time())

    await run(give_up)
    vault.refused_with = None
    bench.live_snapshot(camera="back-yard_2")
    assert await bench.settled() == {"verified": 1, "skipped": 1}
    await forgotten(bench)
    vault.assert_untouched()


def test_a_new_name_for_each_try() -> None:
    """It never grows, and is never one that was used."""
    names = ["2026/a-l0g9kw.mp4"]
    for _ in range(50):
        names.append(retried(names[-1]))
    assert len(set(names)) == 51
    assert len({len(name) for name in names[1:]}) == 1


def test_what_it_can_do() -> None:
    """Whoever asks learns that nothing is deleted, and what can't be read."""

    class Folderless(FakeDestination):
        @property
        @override
        def capabilities(self) -> Capabilities:
            return Capabilities(folders=False, max_concurrent=3)

    can = wrapped(Folderless(), append_only=True, can_read=True).capabilities
    assert can == Capabilities(folders=False, max_concurrent=3, can_delete=False)
    unknown = wrapped(Folderless(), append_only=True).capabilities
    assert unknown == replace(can, may_be_limited=True)
    blind = wrapped(Folderless(), append_only=True, can_read=False)
    assert not blind.capabilities.can_read
    with pytest.raises(ValueError, match="verified"):
        wrapped(Folderless(), append_only=True, can_read=False, verify=True)
