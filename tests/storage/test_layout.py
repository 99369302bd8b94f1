"""Where a test of a destination writes: where uploads do."""

from datetime import datetime

import pytest

from custom_components.frigate_snap_sync.storage.layout import (
    Branch,
    Layout,
    dated_layout,
    layout_of,
    levels_of,
)


def test_default_names() -> None:
    """A folder of the day; a new one lies beside it."""
    layout = dated_layout(datetime(2026, 11, 22, 23, 30))
    assert layout == Layout(branches=(Branch(today="2026-11-22"),))
    assert layout.branches[0].new_folder("probe") == "probe"


@pytest.mark.parametrize(
    ("now", "then", "today", "new"),
    [
        ("a.mp4", "b.mp4", "", ""),
        ("all/a.mp4", "all/b.mp4", "all", "all"),
        ("2026/11/a.mp4", "2025/10/a.mp4", "2026/11", "p/p"),
        ("all/2026/11/a.mp4", "all/2025/10/a.mp4", "all/2026/11", "all/p/p"),
        ("front/2026/a.mp4", "front/2025/a.mp4", "front/2026", "front/p"),
        # One that is deeper at other times.
        ("2026/a.mp4", "2025/10/a.mp4", "2026", "p"),
        ("a.mp4", "2025/10/a.mp4", "", ""),
    ],
)
def test_names_of_a_template(now: str, then: str, today: str, new: str) -> None:
    """What never changes is made once; what lies below comes and goes."""
    (branch,) = layout_of([(now, then)]).branches
    assert branch.today == today
    assert branch.new_folder("p") == new


def test_each_sort_of_names_has_a_branch() -> None:
    """The same ones are tested once."""
    layout = layout_of([("r/1/a", "r/2/a"), ("s/1/a", "s/2/a"), ("r/1/b", "r/2/b")])
    assert [branch.today for branch in layout.branches] == ["r/1", "s/1"]


def test_levels() -> None:
    """The highest first."""
    assert levels_of("") == []
    assert levels_of("a/b/c") == ["a", "a/b", "a/b/c"]
