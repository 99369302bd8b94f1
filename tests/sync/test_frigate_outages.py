"""Frigate is away, starts, or says what makes no sense: work waits, and nothing stops."""

from dataclasses import replace
import logging
import time

import pytest

from custom_components.frigate_snap_sync.frigate.errors import FrigateUnreachable
from custom_components.frigate_snap_sync.frigate.models import Review, Severity
from custom_components.frigate_snap_sync.sync.engine import EngineOptions

from .conftest import FAST, Bench, setup, until
from .fakes import IMAGE, FakeDestination


async def test_a_review_whose_end_was_missed_is_finished(
    bench: Bench, nas: FakeDestination
) -> None:
    """Frigate is asked when it is back, and after a restart; so is a vanished one."""
    bench.timing = replace(FAST, missing_after=0)
    bench.frigate.error = FrigateUnreachable("no route")
    await bench.start(setup(nas))
    now = time.time()
    bench.review("new", source_id="1.5-missed", start=now - 60)
    bench.review("new", source_id="2.5-running", start=now - 60)
    bench.review("new", source_id="3.5-vanished", start=now - 60)
    assert await bench.settled() == {}
    await bench.stop()
    running = Review(
        id="2.5-running",
        camera="front_door",
        start_time=now - 60,
        end_time=None,
        severity=Severity.ALERT,
        labels=frozenset({"person"}),
        zones=frozenset(),
    )
    bench.frigate.known_reviews = {
        "1.5-missed": replace(running, id="1.5-missed", end_time=now - 40, ended=True),
        "2.5-running": running,
    }
    bench.frigate.error = None
    await bench.start(setup(nas))
    await until(lambda: len(nas.media) == 1)
    assert "missed" in nas.history[0]
    await until(lambda: bench.uploads(state="skipped"))
    assert await bench.settled() == {"skipped": 1, "verified": 1}
    bench.frigate.known_reviews["2.5-running"] = replace(
        running, end_time=now - 5, ended=True
    )
    bench.publish("available", "online")
    await until(lambda: len(nas.media) == 2)


async def test_frigate_away_is_told_once(
    bench: Bench, nas: FakeDestination, caplog: pytest.LogCaptureFixture
) -> None:
    """It is asked until it is back; the spool is sent meanwhile."""
    caplog.set_level(logging.INFO)
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    bench.frigate.error = FrigateUnreachable("connection refused")
    bench.review("end", end=time.time() - 50)
    await until(lambda: bench.status.frigate_connected is False)
    bench.live_snapshot()
    await until(lambda: len(nas.media) == 1)
    bench.frigate.error = None
    bench.publish("available", "online")
    await until(lambda: len(nas.media) == 2)
    await until(lambda: bench.status.frigate_connected)
    assert caplog.text.count("Frigate is away") == 1
    assert caplog.text.count("Frigate is back") == 1


async def test_uploads_wait_for_a_frigate_that_has_just_started(
    bench: Bench, nas: FakeDestination
) -> None:
    """They are delayed, not dropped."""
    bench.frigate.started = 0.0
    delay = 0.4
    bench.options = EngineOptions(delay_after_startup=delay, upload_during_review=False)
    began = time.monotonic()
    await bench.start(setup(nas))
    await until(lambda: bench.status.frigate_connected)
    bench.live_snapshot()
    bench.review("end", end=time.time() - 50)
    await until(lambda: nas.media)
    assert time.monotonic() - began >= delay
    await until(lambda: len(nas.media) == 2)


async def test_bad_messages_stop_nothing(
    bench: Bench, nas: FakeDestination, caplog: pytest.LogCaptureFixture
) -> None:
    """Each reason is logged once per topic."""
    await bench.start(setup(nas))
    for _ in range(3):
        bench.publish("reviews", b"{")
        bench.publish("reviews", b"\xff\xfe")
        bench.publish("front_door/person/snapshot", b"not a JPEG")
        bench.publish("front_door/person/snapshot", IMAGE[:-50])
    bench.publish("reviews", {"type": "genai", "after": {}})
    bench.live_snapshot()
    await until(lambda: list(nas.media.values()) == [IMAGE])
    complaints = [
        record
        for record in caplog.records
        if record.getMessage().startswith("Message ignored:")
        and record.levelno == logging.WARNING
    ]
    assert 3 <= len(complaints) <= 4
