"""What is read out of a Home Assistant's log."""

from pathlib import Path

import pytest

from .home_assistant import HomeAssistant

_LINE = "2026-11-22 10:12:31.271 {} (MainThread) [{}] {}\n"
_OURS, _OTHER = (
    "custom_components.frigate_snap_sync.sync.sending.worker",
    "homeassistant.core",
)
_TRACEBACK = (
    "Traceback (most recent call last):\n"
    '  File "/config/custom_components/frigate_snap_sync/__init__.py", line 1\n'
    "ValueError\n"
)


@pytest.fixture(name="home_assistant")
def fixture_home_assistant(tmp_path: Path) -> HomeAssistant:
    """Return one that was prepared and never started."""
    return HomeAssistant(tmp_path / "config", integration=None, port=8123)


@pytest.mark.parametrize(
    "record",
    [
        _LINE.format("ERROR", _OURS, "Something broke"),
        _LINE.format("ERROR", _OTHER, "Task exception was never retrieved")
        + _TRACEBACK,
        _LINE.format("WARNING", _OURS, "Something") + _TRACEBACK,
        _LINE.format(
            "WARNING",
            "homeassistant.util.loop",
            "Detected blocking call to open in custom integration 'frigate_snap_sync'",
        ),
    ],
)
def test_complaints(home_assistant: HomeAssistant, record: str) -> None:
    """What speaks against our integration is found, and nothing else."""
    before = _LINE.format("DEBUG", _OURS, "Uploaded a file")
    after = _LINE.format("ERROR", _OTHER, "Setup failed for 'camera'") + (
        "Traceback (most recent call last):\n  File camera\n"
    )
    home_assistant.log.write_text(before + record + after)
    assert home_assistant.complaints() == [record]


def test_no_complaints(home_assistant: HomeAssistant) -> None:
    """Warnings of a lost connection are none, and neither is an empty log."""
    assert home_assistant.complaints() == []
    home_assistant.log.write_text(_LINE.format("WARNING", _OURS, "Server is away"))
    assert home_assistant.complaints() == []
