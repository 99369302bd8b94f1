"""The contract's own code."""

from hypothesis import given, strategies as st
import pytest

from custom_components.frigate_snap_sync.storage.base import (
    PermissionDenied,
    path_segments,
)


@given(st.text(max_size=40) | st.text(alphabet="./\0ab", max_size=12))
def test_path_segments(path: str) -> None:
    """What comes back stays below any root; all else is refused."""
    try:
        segments = path_segments(path)
    except PermissionDenied:
        return
    assert "/".join(segments) == path
    assert all(segment not in ("", ".", "..") for segment in segments)
    assert "\0" not in path


@pytest.mark.parametrize(
    "path", ["a", "a/b/c", "...", "a/..b", " ", "~", "\\", "é\udcff"]
)
def test_legal_paths(path: str) -> None:
    """Odd names are names."""
    assert path_segments(path) == tuple(path.split("/"))
