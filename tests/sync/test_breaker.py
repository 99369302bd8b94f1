"""When a failing destination is tried again."""

import random

import pytest

from custom_components.frigate_snap_sync.storage.base import (
    AuthFailed,
    ConnectTimeout,
    HostKeyChanged,
    InvalidKey,
    InvalidPath,
    NoSftp,
    NoSpace,
    NotMounted,
    PathNotAllowed,
    PathNotFound,
    PermissionDenied,
    Rejected,
    StorageError,
    Unreachable,
)
from custom_components.frigate_snap_sync.sync.breaker import (
    Breaker,
    concerns_one_file,
    reaction_to,
)


@pytest.fixture(autouse=True)
def no_jitter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make delays exact."""
    monkeypatch.setattr(random, "uniform", lambda low, high: 1.0)


def delays(error: StorageError, count: int) -> list[float]:
    """Return the delays after so many failures in a row."""
    breaker, now, found = Breaker(), 0.0, []
    for _ in range(count):
        breaker.fail(error, now)
        found.append(breaker.remaining(now))
        now += found[-1]
    return found


def test_an_unreachable_server_is_tried_more_and_more_slowly() -> None:
    """From 5 s to 5 min."""
    assert delays(Unreachable("x"), 8) == [5, 10, 20, 40, 80, 160, 300, 300]
    assert delays(ConnectTimeout("x"), 2) == [5, 10]


@pytest.mark.parametrize(
    ("error", "delay"),
    [
        (AuthFailed("x"), 900),
        (InvalidKey("x"), 900),
        (NoSftp("x"), 900),
        (HostKeyChanged("x"), 300),
        (NoSpace("x"), 300),
        (PermissionDenied("x"), 300),
        (NotMounted("x"), 300),
        (PathNotAllowed("x"), 300),
        (PathNotFound("x"), 300),
    ],
)
def test_what_a_person_must_mend_is_looked_at_now_and_then(
    error: StorageError, delay: float
) -> None:
    """No log-in storms."""
    assert delays(error, 3) == [delay] * 3


def test_failures_of_one_outage_do_not_add_up() -> None:
    """Five uploads that were under way fail together."""
    breaker = Breaker()
    assert breaker.fail(Unreachable("x"), 0) is True
    for _ in range(4):
        assert breaker.fail(Unreachable("x"), 1) is False
    assert breaker.remaining(1) == 4


def test_another_cause_is_news() -> None:
    """First nothing answers, then the log-in is refused."""
    breaker = Breaker()
    breaker.fail(Unreachable("x"), 0)
    assert breaker.fail(AuthFailed("y"), 1) is True
    assert breaker.remaining(1) == 900
    assert isinstance(breaker.error, AuthFailed)


def test_each_cause_of_an_outage_is_news_once() -> None:
    """Also where the pause is the same; causes that take turns fill no log."""
    breaker = Breaker()
    causes = [NoSpace("a"), PermissionDenied("b"), NoSpace("c"), Unreachable("d")]
    news = [breaker.fail(error, now) for now, error in enumerate(causes * 3)]
    assert news == [True, True, False, True, *[False] * 8]
    breaker.succeed(100)
    assert breaker.fail(NoSpace("e"), 1000) is True


def test_success_ends_it() -> None:
    """And the next outage begins at the start."""
    breaker = Breaker()
    assert breaker.succeed(5) is False
    breaker.fail(Unreachable("x"), 0)
    breaker.fail(Unreachable("x"), 5)
    assert breaker.is_open
    assert breaker.succeed(5) is True
    assert not breaker.is_open
    assert breaker.remaining(5) == 0
    breaker.fail(Unreachable("x"), 1000)
    assert breaker.remaining(1000) == 5


def test_a_failure_soon_after_is_the_same_outage() -> None:
    """A server that lets us in and then fails must not be hammered, nor told twice."""
    breaker = Breaker()
    breaker.fail(Unreachable("x"), 0)
    breaker.succeed(5)
    assert breaker.fail(ConnectTimeout("y"), 6) is False
    assert breaker.remaining(6) == 10
    breaker.succeed(16)
    assert breaker.fail(Unreachable("x"), 17) is False
    assert breaker.remaining(17) == 20
    breaker.succeed(37)
    assert breaker.fail(Unreachable("x"), 1000) is True


def test_what_a_failure_says_of_the_destination() -> None:
    """A full disk is contact; a refused file says nothing of the others."""
    assert reaction_to(NoSpace("x")).is_contact
    assert not reaction_to(Unreachable("x")).is_contact
    assert not reaction_to(NotMounted("x")).is_contact
    assert concerns_one_file(Rejected("x"))
    assert concerns_one_file(InvalidPath("x"))
    assert not concerns_one_file(Unreachable("x"))
