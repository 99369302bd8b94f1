"""From Frigate's messages to verified files at two destinations, all of it real."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio

from ..harness.arrivals import Item, Kind, files_below
from ..harness.frigate import Frigate, Timing
from ..harness.home_assistant import DOMAIN
from ..harness.installation import add_local
from ..waiting import until
from .stage import FOLDER, SERVER, TIME_ZONE, Stage, open_stage

# What a recording needs after the last activity: 20 s, and a little.
RECORDING_SECONDS = 60
# The cut-offs and segments of the simulated Frigate are short; what our side waits
# for is what it always waits for. A review must end later than one that is cut off.
TIMING = replace(Timing().scaled(0.1), alert_cutoff=6, detection_cutoff=6)


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="stage")
async def fixture_stage(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Stage]:
    """Start everything, and set the integration up as a person would."""
    folder = tmp_path_factory.mktemp("first_light")
    frigate = Frigate(("front_door", "back-yard_2"), timing=TIMING)
    async with open_stage(folder, frigate) as stage:
        entry_id = await stage.add_frigate()
        api = stage.home_assistant.api
        await add_local(api, entry_id, name=FOLDER, path=stage.folder)
        await stage.add_server(entry_id)
        await stage.wait_ready()
        yield stage
        # Stopped here, so that the log is whole.
        await stage.home_assistant.stop()
        assert not stage.home_assistant.complaints()


def _files(stage: Stage) -> dict[str, set[str]]:
    return {
        FOLDER: set(files_below(stage.folder)),
        SERVER: set(files_below(stage.ssh.root)),
    }


def _assert_named_as_designed(item: Item) -> None:
    """Both destinations have the item under its default name, which says its time."""
    zone = ZoneInfo(TIME_ZONE)
    expected = item.path(zone)
    paths = {arrival.path for arrival in item.arrivals.values()}
    if item.kind is Kind.LIVE_SNAPSHOT and paths != {expected}:
        # Received in the next second.
        item.start += 1
        expected = item.path(zone)
    assert paths == {expected}


def _assert_asked_once(stage: Stage, item: Item) -> None:
    """Frigate had to give it away once, for both destinations."""
    journal = stage.server.journal
    match item.kind:
        case Kind.SNAPSHOT:
            path = f"/api/events/{item.frigate_id}/snapshot.jpg"
            assert len(journal.bodies(path)) == 1
        case Kind.RECORDING:
            path = f"/api/{item.camera}/start/{int(item.start) - 5}*/clip.mp4"
            bodies = [body for body in journal.bodies(path) if body]
            assert len(bodies) == 1


async def _counters(stage: Stage) -> dict[tuple[str, str], str | None]:
    return {
        (device, key): await stage.value(device, "sensor", key)
        for device in (FOLDER, SERVER, "front_door", "back-yard_2")
        for key in ("snapshots_uploaded", "recordings_uploaded")
    }


async def _all_arrived(stage: Stage) -> None:
    await stage.arrivals.wait(timeout=RECORDING_SECONDS)
    assert not stage.arrivals.wrong
    for item in stage.arrivals.items:
        _assert_named_as_designed(item)
        _assert_asked_once(stage, item)
    names = {item.path(ZoneInfo(TIME_ZONE)) for item in stage.arrivals.items}
    # All of it, and nothing else: no part of a file, no file of a test.
    # What left live goes once the whole is there.
    await until(lambda: _files(stage) == {FOLDER: names, SERVER: names})


async def test_everything_arrives(stage: Stage) -> None:
    """A visit's three files reach both destinations, byte for byte, and are counted."""
    visit = stage.story.visit("front_door", "person", 4, zones=["porch"])
    await visit.ended.wait()
    await _all_arrived(stage)
    assert [item.kind for item in stage.arrivals.items] == [
        Kind.LIVE_SNAPSHOT,
        Kind.SNAPSHOT,
        Kind.RECORDING,
    ]
    live, snapshot, _ = stage.arrivals.items
    assert max(arrival.seconds for arrival in live.arrivals.values()) < 5
    assert max(arrival.seconds for arrival in snapshot.arrivals.values()) < 10
    size = sum(
        (stage.folder / arrival.path).stat().st_size
        for item in stage.arrivals.items
        for name, arrival in item.arrivals.items()
        if name == FOLDER
    )
    for device in (FOLDER, SERVER):
        await stage.wait_for_value(device, "sensor", "recordings_uploaded", "1")
        await stage.wait_for_value(device, "sensor", "live_snapshots_uploaded", "1")
        await stage.wait_for_value(device, "sensor", "snapshots_uploaded", "1")
        await stage.wait_for_value(device, "sensor", "pending_uploads", "0")
        await stage.wait_for_value(device, "binary_sensor", "connection", "on")
        assert await stage.value(device, "sensor", "last_error") == "none"
        uploaded = await stage.value(device, "sensor", "data_uploaded")
        assert uploaded is not None
        assert float(uploaded) == pytest.approx(size / 1_000_000_000, abs=0.00001)
    await stage.wait_for_value("front_door", "sensor", "recordings_uploaded", "1")
    await stage.wait_for_value("front_door", "sensor", "snapshots_uploaded", "2")
    assert await stage.value("back-yard_2", "sensor", "recordings_uploaded") == "0"
    assert await stage.value("Frigate", "binary_sensor", "connection") == "on"


async def test_switches_are_followed(stage: Stage) -> None:
    """Snapshots that are off in Frigate are shown as off, and not sent."""
    device, key = "back-yard_2", "snapshots_enabled"
    await stage.wait_for_value(device, "binary_sensor", key, "on")
    stage.frigate.set_switch(device, "snapshots", on=False)
    await stage.wait_for_value(device, "binary_sensor", key, "off")
    before = len(stage.arrivals.items)
    visit = stage.story.visit(device, "person", 2, false_positive=True)
    await visit.ended.wait()
    assert len(stage.arrivals.items) == before
    stage.frigate.set_switch(device, "snapshots", on=True)
    await stage.wait_for_value(device, "binary_sensor", key, "on")
    assert _files(stage)[FOLDER] == {
        item.path(ZoneInfo(TIME_ZONE)) for item in stage.arrivals.items
    }


async def test_restart_sends_nothing_twice(stage: Stage) -> None:
    """After a restart counters are the same, and Frigate is asked for nothing again."""
    counters = await _counters(stage)
    files = {
        path: path.stat().st_mtime_ns
        for root in (stage.folder, stage.ssh.root)
        for path in root.rglob("*")
        if path.is_file()
    }
    await stage.home_assistant.stop()
    stage.server.journal.clear()
    await stage.home_assistant.start()
    await stage.wait_ready()
    # Its work goes on: a new visit goes all the way, and meanwhile nothing old does.
    visit = stage.story.visit("back-yard_2", "car", 2)
    await visit.gone.wait()
    await stage.wait_for_value(
        "back-yard_2",
        "sensor",
        "snapshots_uploaded",
        str(int(counters["back-yard_2", "snapshots_uploaded"] or 0) + 2),
    )
    later = await _counters(stage)
    assert {key: later[key] for key in counters if key[0] == "front_door"} == {
        key: counters[key] for key in counters if key[0] == "front_door"
    }
    assert {path: path.stat().st_mtime_ns for path in files} == files
    assert stage.server.journal.count("/api/front_door/start/*") == 0
    assert stage.server.journal.count("/api/events/*/snapshot.jpg") == 1


async def test_power_cut_loses_nothing(stage: Stage) -> None:
    """Killed while a recording is waited for: all arrives, once, after the start."""
    visit = stage.story.visit("front_door", "person", 3)
    await visit.ended.wait()
    # The last visit's recording may be under way too; this one's surely is.
    recording = stage.arrivals.items[-1]
    assert recording.kind is Kind.RECORDING
    assert not recording.arrivals
    await stage.home_assistant.kill()
    await stage.home_assistant.start()
    await stage.wait_ready()
    await stage.arrivals.wait(timeout=RECORDING_SECONDS)
    assert not stage.arrivals.wrong
    _assert_named_as_designed(recording)
    items = stage.arrivals.items
    for device in (FOLDER, SERVER):
        recordings = sum(item.kind is Kind.RECORDING for item in items)
        await stage.wait_for_value(
            device, "sensor", "recordings_uploaded", str(recordings)
        )
        for kind, key in (
            (Kind.LIVE_SNAPSHOT, "live_snapshots_uploaded"),
            (Kind.SNAPSHOT, "snapshots_uploaded"),
        ):
            count = sum(item.kind is kind for item in items)
            await stage.wait_for_value(device, "sensor", key, str(count))
        await stage.wait_for_value(device, "sensor", "pending_uploads", "0")
    names = {item.path(ZoneInfo(TIME_ZONE)) for item in items}
    # What left live goes once the whole is there.
    await until(lambda: _files(stage) == {FOLDER: names, SERVER: names})


async def _drill(stage: Stage, **which: str) -> dict[str, Any]:
    """Drill by the action; return what it answers."""
    api = stage.home_assistant.api
    (entry,) = await api.entries(DOMAIN)
    answer = await api.command(
        "call_service",
        domain=DOMAIN,
        service="drill",
        service_data={"config_entry_id": entry["entry_id"], **which},
        return_response=True,
    )
    response: dict[str, Any] = answer["response"]
    return response


def _all_paths(stage: Stage) -> set[Path]:
    """Return what lies at both destinations: folders and unfinished files, too."""
    return {*stage.folder.rglob("*"), *stage.ssh.root.rglob("*")}


async def test_drill(stage: Stage) -> None:
    """The whole way and back, of both cameras; nothing of it stays."""
    before = _all_paths(stage)
    answer = await _drill(stage)
    assert answer["outcome"] == "passed"
    assert [row["camera"] for row in answer["drills"]] == ["back-yard_2", "front_door"]
    for row in answer["drills"]:
        assert row["seconds"].keys() == {"picture", "footage"}
        assert row["bytes"] > 10_000
        assert {each["destination"] for each in row["destinations"]} == {FOLDER, SERVER}
        for each in row["destinations"]:
            assert (each["outcome"], each["proof"]) == ("passed", "read_back")
            assert not each["picture_only"]
            assert list(each["seconds"]) == [
                *("connect", "send_picture", "send_footage", "read_back", "delete")
            ]
            assert all(0 <= seconds < 30 for seconds in each["seconds"].values())
    assert _all_paths(stage) == before
    await stage.wait_for_value("Frigate", "sensor", "last_drill", "passed")


async def test_drill_with_a_dead_server(stage: Stage) -> None:
    """It says who failed where, and opens a repair, until it passes again."""
    api = stage.home_assistant.api
    before = _all_paths(stage)
    await stage.ssh.stop()
    answer = await _drill(stage, camera="front_door")
    (row,) = answer["drills"]
    assert answer["outcome"] == row["outcome"] == "failed"
    assert {
        each["destination"]: (each["outcome"], each["step"], each["cause"])
        for each in row["destinations"]
    } == {
        FOLDER: ("passed", None, None),
        SERVER: ("failed", "connect", "cannot_connect"),
    }
    await stage.wait_for_value("Frigate", "sensor", "last_drill", "failed")
    await stage.wait_for_value("Frigate", "sensor", "protection", "at_risk")

    async def repairs() -> list[str]:
        found = await api.repairs(DOMAIN)
        return [one for one in found if one.startswith("drill_failed")]

    (entry,) = await api.entries(DOMAIN)
    assert await repairs() == [f"drill_failed_{entry['entry_id']}"]

    await stage.ssh.start()
    answer = await _drill(stage, camera="front_door")
    assert answer["outcome"] == "passed"

    async def closed() -> bool:
        return not await repairs()

    await until(closed)
    assert _all_paths(stage) == before


def test_default_names() -> None:
    """The names that these tests expect are those of the design."""
    item = Item(
        kind=Kind.SNAPSHOT,
        camera="front_door",
        label="person",
        start=1795336632.93,
        tail="-a3b0a5.jpg",
        published=0,
    )
    assert (
        item.path(ZoneInfo(TIME_ZONE))
        == "2026-11-22/2026-11-22_09-37-12+0100-front_door-snapshot-person-a3b0a5.jpg"
    )
