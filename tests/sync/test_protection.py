"""How protected the owner is, told by plain facts."""

from datetime import UTC, datetime, timedelta

import pytest

from custom_components.frigate_snap_sync.storage.base import (
    AuthFailed,
    ConnectTimeout,
    HostKeyChanged,
    InvalidKey,
    InvalidPath,
    NoSpace,
    NotMounted,
    PathNotAllowed,
    PathNotFound,
    PermissionDenied,
    Rejected,
    StorageError,
    Unreachable,
)
from custom_components.frigate_snap_sync.sync.protection import (
    nothing_uploaded,
    problem_of,
    protection,
)
from custom_components.frigate_snap_sync.sync.status import Problem, Protection

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def ago(**time: float) -> datetime:
    """Return a moment before now."""
    return NOW - timedelta(**time)


@pytest.mark.parametrize(
    ("pending", "waiting_since", "last_loss", "failing_since", "expected"),
    [
        (0, None, None, [], Protection.PROTECTED),
        (0, None, None, [None, None], Protection.PROTECTED),
        (2, ago(minutes=14), None, [None], Protection.CATCHING_UP),
        (2, ago(minutes=16), None, [None], Protection.AT_RISK),
        (0, None, None, [None, ago(minutes=14)], Protection.PROTECTED),
        (1, ago(minutes=1), None, [ago(minutes=14)], Protection.CATCHING_UP),
        (0, None, None, [None, ago(minutes=16)], Protection.AT_RISK),
        (0, None, ago(hours=23), [None], Protection.AT_RISK),
        (0, None, ago(hours=25), [None], Protection.PROTECTED),
        (1, ago(minutes=1), ago(hours=25), [None], Protection.CATCHING_UP),
    ],
)
def test_protection(
    pending: int,
    waiting_since: datetime | None,
    last_loss: datetime | None,
    failing_since: list[datetime | None],
    expected: Protection,
) -> None:
    """A quarter of an hour of patience; a loss counts for a day."""
    assert (
        protection(
            NOW,
            pending=pending,
            waiting_since=waiting_since,
            last_loss=last_loss,
            failing_since=failing_since,
        )
        is expected
    )


@pytest.mark.parametrize(
    ("last_review", "last_uploads", "since", "expected"),
    [
        (ago(hours=1), [ago(hours=50), None], ago(days=9), True),
        (ago(hours=1), [None, None], ago(days=9), True),
        (ago(hours=1), [], ago(days=9), True),
        # One destination is enough.
        (ago(hours=1), [ago(days=8), ago(hours=47)], ago(days=9), False),
        # Nothing to upload.
        (None, [None], ago(days=9), False),
        (ago(hours=49), [ago(days=5)], ago(days=9), False),
        # Too early to say.
        (ago(hours=1), [None], ago(hours=47), False),
    ],
)
def test_nothing_was_uploaded(
    last_review: datetime | None,
    last_uploads: list[datetime | None],
    since: datetime,
    expected: bool,
) -> None:
    """There were reviews, but for two days no upload."""
    told = nothing_uploaded(
        NOW, last_review=last_review, last_uploads=last_uploads, since=since
    )
    assert told is expected


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        (None, None),
        (Unreachable("no route"), None),
        (ConnectTimeout("no answer"), None),
        (Rejected("no such name"), None),
        (HostKeyChanged("another key"), Problem.HOST_KEY_CHANGED),
        (AuthFailed("refused"), Problem.LOGIN_REFUSED),
        (InvalidKey("no key"), Problem.LOGIN_REFUSED),
        (NotMounted("another file system"), Problem.NOT_MOUNTED),
        (NoSpace("full"), Problem.NO_SPACE),
        (PermissionDenied("read-only"), Problem.NOT_WRITABLE),
        (PathNotAllowed("not listed"), Problem.NOT_WRITABLE),
        (PathNotFound("no folder"), Problem.NOT_WRITABLE),
        (InvalidPath("out of it"), None),
    ],
)
def test_what_a_person_can_mend(
    error: StorageError | None, problem: Problem | None
) -> None:
    """An outage ends by itself; the rest may not."""
    assert problem_of(error) is problem
