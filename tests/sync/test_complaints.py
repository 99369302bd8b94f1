"""What is wrong again and again, in the log."""

import logging

import pytest

from custom_components.frigate_snap_sync.sync.support.outage_log import ComplaintLog


def test_the_same_complaint_of_two_cameras(caplog: pytest.LogCaptureFixture) -> None:
    """Each is named once: who reads it must know of both."""
    log = ComplaintLog(logging.getLogger("complaints"))
    for _ in range(2):
        log.report("The film of door", "HTTP status 403")
        log.report("The film of yard", "HTTP status 403")

    warned = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    assert warned == [
        "The film of door: HTTP status 403",
        "The film of yard: HTTP status 403",
    ]
