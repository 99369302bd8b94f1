"""When a failing destination is tried again."""

import pytest

from custom_components.frigate_snap_sync.storage.errors import (
    AuthFailed,
    CertificateRefused,
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
    Throttled,
    Unreachable,
)
from custom_components.frigate_snap_sync.sync.model.timing import Timing
from custom_components.frigate_snap_sync.sync.sending.breaker import (
    LONGEST_WAIT,
    ROW,
    Breaker,
    Sent,
    concerns_one_file,
    reaction_to,
)

TIMING = Timing(jitter=lambda low, high: 1.0)
"""With exact delays."""


def delays(error: StorageError, count: int) -> list[float]:
    """Return the delays after so many failures in a row."""
    breaker, now, found = Breaker(TIMING), 0.0, []
    for _ in range(count):
        breaker.fail(error, now)
        found.append(breaker.remaining(now))
        now += found[-1]
    return found


def test_an_unreachable_server_is_tried_more_and_more_slowly() -> None:
    """From 5 s to 5 min."""
    assert delays(Unreachable("x"), 8) == [5, 10, 20, 40, 80, 160, 300, 300]
    assert delays(ConnectTimeout("x"), 2) == [5, 10]


def test_what_a_look_shows_is_looked_at_soon() -> None:
    """For as long as it takes; what a probe shows is not."""
    breaker = Breaker(TIMING)
    assert breaker.fail(Unreachable("Host is down"), 0)
    now = breaker.remaining(0)
    for _ in range(50):
        assert not breaker.fail(Unreachable("Host is down"), now, by_look=True)
        assert breaker.remaining(now) == 5
        now += 5
    assert not breaker.fail(Unreachable("Input/output error"), now)
    assert breaker.remaining(now) == 10


@pytest.mark.parametrize(
    ("error", "delay"),
    [
        (AuthFailed("x"), 900),
        (InvalidKey("x"), 900),
        (NoSftp("x"), 900),
        (HostKeyChanged("x"), 300),
        (CertificateRefused("x"), 300),
        (NoSpace("x"), 300),
        (PermissionDenied("x"), 300),
        # A look at the mount point costs nothing.
        (NotMounted("x"), 5),
        (PathNotAllowed("x"), 300),
        (PathNotFound("x"), 300),
    ],
)
def test_what_a_person_must_mend_is_looked_at_now_and_then(
    error: StorageError, delay: float
) -> None:
    """No login storms."""
    assert delays(error, 3) == [delay] * 3


@pytest.mark.parametrize(
    ("retry_after", "expected"),
    [
        (None, [5, 10, 20]),
        (120, [120, 120, 120]),
        (0, [5, 5, 5]),
        (-1, [5, 5, 5]),
        (10**9, [LONGEST_WAIT] * 3),
    ],
)
def test_a_server_that_asks_to_wait(
    retry_after: float | None, expected: list[float]
) -> None:
    """It is left alone for as long as it says, within bounds."""
    assert delays(Throttled("x", retry_after=retry_after), 3) == expected


def test_a_throttled_server_is_no_other_outage() -> None:
    """It is waited for, and nothing is said again."""
    breaker = Breaker(TIMING)
    assert breaker.fail(Unreachable("x"), 0) is True
    assert breaker.fail(Throttled("x", retry_after=120), 5) is False
    assert breaker.remaining(5) == 120


def test_an_illegal_path_is_about_one_file() -> None:
    """The destination takes others all the same."""
    breaker = Breaker(TIMING)
    assert breaker.is_own_fault(InvalidPath("x"), 0, Sent(upload_id=1, size=1))
    assert not breaker.is_open


def test_failures_of_one_outage_do_not_add_up() -> None:
    """Five uploads that were under way fail together."""
    breaker = Breaker(TIMING)
    assert breaker.fail(Unreachable("x"), 0) is True
    for _ in range(4):
        assert breaker.fail(Unreachable("x"), 1) is False
    assert breaker.remaining(1) == 4


def test_another_cause_is_news() -> None:
    """First nothing answers, then the login is refused."""
    breaker = Breaker(TIMING)
    breaker.fail(Unreachable("x"), 0)
    assert breaker.fail(AuthFailed("y"), 1) is True
    assert breaker.remaining(1) == 900
    assert isinstance(breaker.error, AuthFailed)


def test_each_cause_of_an_outage_is_news_once() -> None:
    """Also where the pause is the same; causes that take turns fill no log."""
    breaker = Breaker(TIMING)
    causes = [NoSpace("a"), PermissionDenied("b"), NoSpace("c"), Unreachable("d")]
    news = [breaker.fail(error, now) for now, error in enumerate(causes * 3)]
    assert news == [True, True, False, True, *[False] * 8]
    breaker.succeed(100)
    assert breaker.fail(NoSpace("e"), 1000) is True


def test_success_ends_it() -> None:
    """And the next outage begins at the start."""
    breaker = Breaker(TIMING)
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
    breaker = Breaker(TIMING)
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


REFUSED = Rejected("no")


def sent(upload_id: int, size: int = 1000) -> Sent:
    """Return a file."""
    return Sent(upload_id=upload_id, size=size)


def refused(breaker: Breaker, upload_id: int, now: float = 0, **_: object) -> bool:
    """Let a file be refused; return whether that is its own fault."""
    if breaker.is_own_fault(REFUSED, now, sent(upload_id)):
        return True
    breaker.fail(REFUSED, now, sent(upload_id))
    return False


def test_a_cause_that_hits_three_files_is_the_destination_s() -> None:
    """One line, one repair, and nothing more is sent for a while."""
    breaker = Breaker(TIMING)
    assert refused(breaker, 1)
    assert refused(breaker, 2)
    assert not breaker.is_open
    assert not refused(breaker, 3)
    assert breaker.blocks
    assert breaker.remaining(0) == 300
    assert type(breaker.error) is PermissionDenied
    assert str(breaker.error) == "3 files in a row were refused: no"


def test_a_success_in_between_begins_the_row_again() -> None:
    """What takes other files has something against some."""
    breaker = Breaker(TIMING)
    for upload_id in range(20):
        assert refused(breaker, 2 * upload_id)
        assert refused(breaker, 2 * upload_id + 1)
        breaker.succeed(0, sent(1000))


def test_a_probe_between_does_not() -> None:
    """It may have nothing in common with what was refused."""
    breaker = Breaker(TIMING)
    assert refused(breaker, 1)
    assert refused(breaker, 2)
    assert not breaker.succeed(0)
    assert not refused(breaker, 3)


def test_one_file_is_no_row_nor_are_different_causes() -> None:
    """However often it is refused."""
    breaker = Breaker(TIMING)
    assert all(refused(breaker, 1) for _ in range(20))
    breaker = Breaker(TIMING)
    for upload_id in range(20):
        error = (Rejected, InvalidPath)[upload_id % 2]("no")
        assert breaker.is_own_fault(error, 0, sent(upload_id))


def test_a_probe_ends_no_failure_of_files() -> None:
    """The next file decides: one at a time, and the pauses grow."""
    breaker = Breaker(TIMING)
    for upload_id in range(ROW):
        refused(breaker, upload_id)
    assert not breaker.succeed(300)
    assert breaker.is_open
    assert not breaker.blocks
    assert breaker.is_narrow
    assert breaker.remaining(300) == 0

    assert not refused(breaker, 0, 301)
    assert breaker.blocks
    assert breaker.remaining(301) == 300
    assert str(breaker.error) == "3 files in a row were refused: no"

    assert not breaker.succeed(601)
    assert breaker.succeed(602, sent(7))
    assert not breaker.is_open
    assert refused(breaker, 8, 603), "the row has begun again"


@pytest.mark.parametrize("cause", [NoSpace, PermissionDenied, PathNotFound])
def test_what_failed_with_a_file_is_over_when_that_file_has_arrived(
    cause: type[StorageError],
) -> None:
    """It is news once; small files that fit prove nothing for a large one."""
    breaker = Breaker(TIMING)
    clip = sent(1, 10**9)
    assert not breaker.is_own_fault(cause("x"), 0, clip)
    assert breaker.fail(cause("x"), 0, clip) is True
    now = 0.0
    for _ in range(5):
        now += breaker.remaining(now)
        assert not breaker.succeed(now)
        for number in range(10):
            assert not breaker.succeed(now, sent(100 + number))
            assert not breaker.is_narrow
        # The others go on while the one is refused.
        assert breaker.is_own_fault(cause("x"), now + 1, clip)
        assert breaker.is_open
        assert not breaker.blocks
    assert breaker.succeed(now + 2, clip)
    assert not breaker.is_open


def test_what_is_as_large_proves_as_much() -> None:
    """Of a full disk; the right to write may be that of one folder."""
    for cause, is_over in ((NoSpace, True), (PermissionDenied, False)):
        breaker = Breaker(TIMING)
        breaker.fail(cause("x"), 0, sent(1, 1000))
        breaker.succeed(300)
        assert not breaker.succeed(300, sent(2, 999))
        assert breaker.succeed(300, sent(3, 1000)) is is_over


def test_a_doubt_that_nothing_confirms_ends() -> None:
    """The file may have been given up since."""
    breaker = Breaker(TIMING)
    breaker.fail(NoSpace("x"), 0, sent(1, 10**9))
    breaker.succeed(300)
    assert not breaker.settle(599)
    assert breaker.settle(600)
    assert not breaker.is_open

    breaker.fail(NoSpace("x"), 2000, sent(1, 10**9))
    breaker.succeed(2300)
    breaker.succeed(2300, sent(2))
    assert breaker.is_own_fault(NoSpace("x"), 2500, sent(1, 10**9))
    assert not breaker.settle(2600)
    assert breaker.succeed(3100, sent(2))


def test_the_first_file_after_a_probe_that_fails_closes_again() -> None:
    """Whichever it is."""
    breaker = Breaker(TIMING)
    breaker.fail(NoSpace("x"), 0, sent(1))
    breaker.succeed(300)
    assert not breaker.is_own_fault(NoSpace("x"), 300, sent(2))
    assert breaker.fail(NoSpace("x"), 300, sent(2)) is False
    assert breaker.blocks
    assert breaker.remaining(300) == 300


def test_three_in_a_row_while_in_doubt() -> None:
    """Small files arrive no more, either."""
    breaker = Breaker(TIMING)
    breaker.fail(NoSpace("x"), 0, sent(1, 10**9))
    breaker.succeed(300)
    breaker.succeed(300, sent(2))
    assert breaker.is_own_fault(NoSpace("x"), 301, sent(3))
    assert breaker.is_own_fault(NoSpace("x"), 301, sent(4))
    assert not breaker.is_own_fault(NoSpace("x"), 301, sent(5))


def test_a_lost_connection_ends_a_doubt() -> None:
    """It is proven by a probe, as ever."""
    breaker = Breaker(TIMING)
    breaker.fail(NoSpace("x"), 0, sent(1))
    breaker.succeed(300)
    assert breaker.fail(Unreachable("y"), 301, sent(1)) is True
    assert breaker.blocks
    assert breaker.succeed(310)
    assert not breaker.is_open


def test_what_was_under_way_proves_nothing_of_a_full_disk() -> None:
    """A still that was being written while a clip found no space."""
    breaker = Breaker(TIMING)
    breaker.fail(NoSpace("x"), 0, sent(1, 10**9))
    assert not breaker.succeed(1, sent(2))
    assert breaker.blocks
    assert breaker.is_own_fault(REFUSED, 1, sent(3))
    assert breaker.fail(Unreachable("x"), 2, sent(4)) is True
    assert breaker.succeed(3, sent(5)), "who answers is there"


def test_a_probe_s_own_failure_is_over_with_the_next_probe() -> None:
    """No file was refused."""
    breaker = Breaker(TIMING)
    breaker.fail(Rejected("Reading back: Other bytes came back"), 0)
    assert type(breaker.error) is PermissionDenied
    assert str(breaker.error) == "Reading back: Other bytes came back"
    assert breaker.succeed(1)
