"""Programs that tests need: found, or told."""

from pathlib import Path

import pytest

from ..harness.programs import require_program


def test_found() -> None:
    """A program is found with its full path."""
    assert Path(require_program("sh", "dash")).is_absolute()


@pytest.mark.parametrize(
    ("ci", "outcome"), [("", pytest.skip.Exception), ("true", pytest.fail.Exception)]
)
def test_missing(
    monkeypatch: pytest.MonkeyPatch, ci: str, outcome: type[BaseException]
) -> None:
    """What is missing is named, and fails a run that must be complete."""
    monkeypatch.setenv("CI", ci)
    with pytest.raises(outcome, match="no-such is missing: install the package p"):
        require_program("no-such", "p")
