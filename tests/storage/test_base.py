"""The contract's own code."""

from hypothesis import given, strategies as st
import pytest

from custom_components.frigate_snap_sync.storage import errors
from custom_components.frigate_snap_sync.storage.base import path_segments
from custom_components.frigate_snap_sync.storage.errors import (
    CAUSES,
    InvalidPath,
    StorageError,
)


@given(st.text(max_size=40) | st.text(alphabet="./\0ab", max_size=12))
def test_path_segments(path: str) -> None:
    """What comes back stays below any root; all else is refused."""
    try:
        segments = path_segments(path)
    except InvalidPath:
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


def test_every_cause_has_a_code_of_its_own() -> None:
    """Forms, repairs, the breaker and entities key on it."""
    written = {
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, StorageError)
    }
    assert set(CAUSES) == written - {StorageError}
    assert sorted(vars(cause)["code"] for cause in CAUSES) == [
        "bucket_not_found",
        "cannot_connect",
        "clock_skew",
        "host_key_changed",
        "invalid_auth",
        "invalid_key",
        "invalid_path",
        "no_sftp",
        "no_space",
        "not_mounted",
        "not_webdav",
        "not_writable",
        "path_not_absolute",
        "path_not_allowed",
        "path_not_found",
        "redirected",
        "rejected",
        "source_damaged",
        "source_unreadable",
        "ssl_error",
        "throttled",
        "timeout_connect",
        "unusable",
        "wrong_region",
    ]
