"""Whatever comes over MQTT, the engine goes on and writes nowhere else."""

import asyncio
from io import StringIO
import logging
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings, strategies as st
import pytest

from custom_components.frigate_snap_sync.storage.local.destination import (
    LocalDestination,
    find_mount_point,
)
from custom_components.frigate_snap_sync.sync.engine import DestinationSetup
from custom_components.frigate_snap_sync.sync.model.selection import Selection
from tests.frigate.test_messages_random import (
    changed_bytes,
    changed_documents,
    check_parsed,
    random_messages,
)

from .conftest import Bench, until
from .fakes import IMAGE

EXAMPLES = 10_000


def files_below(folder: Path) -> set[Path]:
    """Return every file below a folder."""
    return {path for path in folder.rglob("*") if path.is_file()}


def whereabouts(bench: Bench) -> str:
    """Return where each task waits, and at which message the intake is."""
    inbox = bench.engine._inbox  # noqa: SLF001
    text = StringIO()
    text.write(f"{len(inbox)} messages, the first is {inbox._messages[0]}\n")  # noqa: SLF001
    for task in asyncio.all_tasks():
        task.print_stack(file=text)
    return text.getvalue()


@pytest.mark.timeout(300)
def test_anything_may_come(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """10,000 random and mutated messages on every topic; then a good one."""
    caplog.set_level(logging.WARNING)
    home = tmp_path / "home"
    root = home / "allowed" / "frigate"
    root.mkdir(parents=True)
    bench = Bench(home / "config")
    # Reviews that make sense would fill the disk with clips: there is no footage.
    bench.frigate.footage = lambda camera, after, before: []
    with asyncio.Runner() as runner:

        async def start() -> None:
            destination = LocalDestination(
                root,
                mount_point=await find_mount_point(root),
                is_allowed=lambda path: Path(path).is_relative_to(root),
            )
            await bench.start(
                DestinationSetup(
                    id="nas",
                    name="nas",
                    selection=Selection(),
                    destination=destination,
                )
            )

        async def hear(topic: str, payload: bytes, retain: bool) -> None:
            bench.publish(topic, payload, retain=retain)
            if len(bench.engine._inbox) > 100:  # noqa: SLF001
                try:
                    async with asyncio.timeout(60):
                        await bench.engine._inbox.drained()  # noqa: SLF001
                except TimeoutError:
                    pytest.fail(f"The intake hangs:\n{whereabouts(bench)}")

        async def finish() -> None:
            bench.publish("front_door/snapshots/state", "ON")
            bench.live_snapshot(label="the last one")
            await until(
                lambda: any("the last one" in file.name for file in files_below(root)),
                seconds=30,
            )
            await bench.stop()

        @given(
            message=st.one_of(random_messages, changed_documents(), changed_bytes()),
            retain=st.booleans(),
        )
        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            # Each message meets what those before it have left: none can be left out.
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        def feed(message: tuple[str, bytes], retain: bool) -> None:
            check_parsed(*message, retain=retain)
            runner.run(hear(*message, retain))

        runner.run(start())
        feed()
        runner.run(finish())

    assert "Traceback" not in caplog.text
    assert files_below(tmp_path) == files_below(home / "config") | files_below(root)
    last = next(file for file in files_below(root) if "the last one" in file.name)
    assert last.read_bytes() == IMAGE
    for file in files_below(root):
        assert file.suffix in {".jpg", ".mp4"}
        assert not file.name.startswith(".")
    # A flood of nonsense doesn't flood the log.
    assert len(caplog.records) < 500
