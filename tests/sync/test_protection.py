"""How protected the owner is, judged by plain facts."""

import dataclasses
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, strategies
import pytest

from custom_components.frigate_snap_sync.storage.errors import (
    AuthFailed,
    ConnectTimeout,
    HostKeyChanged,
    InvalidKey,
    NoSpace,
    NotMounted,
    PathNotAllowed,
    PathNotFound,
    PermissionDenied,
    StorageError,
    Unreachable,
    Unusable,
)
from custom_components.frigate_snap_sync.sync.model.status import (
    Problem,
    Protection,
    Reason,
)
from custom_components.frigate_snap_sync.sync.reporting.protection import (
    DestinationFacts,
    Facts,
    judge,
    next_change,
    nothing_uploaded,
    problem_of,
    space_needed,
)
from custom_components.frigate_snap_sync.sync.support.onsets import Onsets

GIB = 1 << 30
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def ago(**time: float) -> datetime:
    """Return a moment before now."""
    return NOW - timedelta(**time)


ONE = (DestinationFacts(),)
"""One destination that works."""
SHORT, LONG = 10.0, 1000.0
"""Seconds of an outage: within the patience, and beyond it."""
CLOSED = DestinationFacts(closed=True)
SPENT = DestinationFacts(budget_spent=True)
PAUSED, FAILING = (
    DestinationFacts(sending=False),
    DestinationFacts(failing_for=LONG),
)

LASTING = {
    "safe_mode_for": Reason.NO_CAMERA,
    "frigate_away_for": Reason.FRIGATE_AWAY,
    "frigate_login_refused_for": Reason.FRIGATE_LOGIN_REFUSED,
    "catch_up_failing_for": Reason.CATCH_UP_FAILING,
    "frigate_mqtt_disabled_for": Reason.FRIGATE_MQTT_DISABLED,
    "mqtt_away_for": Reason.MQTT_AWAY,
    "mqtt_silent_for": Reason.MQTT_SILENT,
    "late_for": Reason.ITEM_LATE,
    "spool_full_for": Reason.SPOOL_FULL,
}
"""What is a risk once it lasts."""
AT_ONCE = {
    "disk_full": Reason.DISK_FULL,
    "ledger_failing": Reason.LEDGER_FAILING,
    "items_lost": Reason.ITEMS_LOST,
    "nothing_uploaded": Reason.NOTHING_UPLOADED,
    "drill_failed": Reason.DRILL_FAILED,
}


def judged(**facts: Any) -> tuple[Protection, list[Reason]]:
    """Return what follows from the facts; what is not among them is well."""
    state, reasons = judge(Facts(**{"patience": 900, "destinations": ONE, **facts}))
    return state, list(reasons)


def test_every_fact_is_in_the_tables() -> None:
    """So that none is forgotten here when it is added there."""
    fields = {field.name for field in dataclasses.fields(Facts)}
    assert fields == {
        *("patience", "is_starting", "no_camera", "capture", "destinations"),
        *LASTING,
        *AT_ONCE,
    }
    assert set(Reason) == {
        *(Reason.NO_DESTINATION, Reason.CAPTURE_OFF, Reason.SENDING_OFF),
        *(Reason.ONLY_WHILE, Reason.BUDGET_SPENT, Reason.DESTINATION_FAILING),
        *LASTING.values(),
        *AT_ONCE.values(),
    }


def test_all_is_well() -> None:
    """Then, and only then, the owner is protected, and there is no reason."""
    assert judged() == (Protection.PROTECTED, [])


@pytest.mark.parametrize(("fact", "reason"), LASTING.items())
def test_an_outage(fact: str, reason: Reason) -> None:
    """Short it is not yet a risk, but no protection either."""
    assert judged(**{fact: 0.0}) == (Protection.CATCHING_UP, [reason])
    assert judged(**{fact: 900.0}) == (Protection.CATCHING_UP, [reason])
    assert judged(**{fact: 901.0}) == (Protection.AT_RISK, [reason])
    assert judged(**{fact: 61.0}, patience=60) == (Protection.AT_RISK, [reason])


@pytest.mark.parametrize(("fact", "reason"), AT_ONCE.items())
def test_what_is_a_risk_at_once(fact: str, reason: Reason) -> None:
    """There is nothing to be waited for."""
    assert judged(**{fact: True}) == (Protection.AT_RISK, [reason])


@pytest.mark.parametrize(
    ("facts", "state", "reasons"),
    [
        # What the owner wants
        ({"destinations": ()}, "not_set_up", ["no_destination"]),
        ({"capture": False}, "paused", ["capture_off"]),
        ({"destinations": (PAUSED,)}, "paused", ["sending_off"]),
        ({"destinations": (PAUSED, PAUSED)}, "paused", ["sending_off"]),
        ({"destinations": (CLOSED,)}, "paused", ["only_while"]),
        ({"destinations": (CLOSED, PAUSED)}, "paused", ["sending_off", "only_while"]),
        ({"destinations": (CLOSED, DestinationFacts())}, "protected", []),
        ({"destinations": (SPENT, DestinationFacts())}, "at_risk", ["budget_spent"]),
        ({"destinations": (SPENT, CLOSED)}, "at_risk", ["budget_spent"]),
        (
            {"destinations": (PAUSED,), "capture": False},
            "paused",
            ["capture_off", "sending_off"],
        ),
        (
            {"destinations": (), "capture": False},
            "not_set_up",
            ["no_destination", "capture_off"],
        ),
        # One paused destination of several does not count, nor does its failing
        ({"destinations": (*ONE, PAUSED)}, "protected", []),
        (
            {"destinations": (*ONE, replace(PAUSED, failing_for=LONG))},
            "protected",
            [],
        ),
        # One failing destination of several does
        (
            {"destinations": (*ONE, FAILING)},
            "at_risk",
            ["destination_failing"],
        ),
        (
            {"destinations": (PAUSED, FAILING)},
            "at_risk",
            ["destination_failing"],
        ),
        (
            {"destinations": (*ONE, DestinationFacts(failing_for=SHORT))},
            "catching_up",
            ["destination_failing"],
        ),
        # The longest counts
        (
            {"destinations": (DestinationFacts(failing_for=SHORT), FAILING)},
            "at_risk",
            ["destination_failing"],
        ),
        # A pause and an outage: the pause is wanted, the outage is shown
        (
            {"capture": False, "frigate_away_for": LONG},
            "paused",
            ["capture_off", "frigate_away"],
        ),
        (
            {"destinations": (PAUSED,), "disk_full": True},
            "paused",
            ["sending_off", "disk_full"],
        ),
        (
            {"destinations": (), "ledger_failing": True},
            "not_set_up",
            ["no_destination", "ledger_failing"],
        ),
        # A start: nothing is known yet, what is known counts
        ({"is_starting": True}, "catching_up", []),
        ({"is_starting": True, "capture": False}, "paused", ["capture_off"]),
        ({"is_starting": True, "destinations": ()}, "not_set_up", ["no_destination"]),
        ({"is_starting": True, "late_for": LONG}, "at_risk", ["item_late"]),
        (
            {"is_starting": True, "frigate_away_for": SHORT},
            "catching_up",
            ["frigate_away"],
        ),
        # Nothing can be copied, whether its owner wants that or not
        ({"no_camera": True}, "catching_up", ["no_camera"]),
        ({"no_camera": True, "is_starting": True}, "catching_up", ["no_camera"]),
        (
            {"no_camera": True, "items_lost": True},
            "at_risk",
            ["no_camera", "items_lost"],
        ),
        ({"no_camera": True, "capture": False}, "paused", ["capture_off", "no_camera"]),
        # Broker and Frigate are kept apart
        (
            {"frigate_away_for": LONG, "mqtt_away_for": SHORT},
            "at_risk",
            ["frigate_away", "mqtt_away"],
        ),
        # A running outage is not hidden behind an old loss, however short it is
        ({"items_lost": True}, "at_risk", ["items_lost"]),
        (
            {"items_lost": True, "mqtt_away_for": SHORT},
            "at_risk",
            ["mqtt_away", "items_lost"],
        ),
        (
            {"items_lost": True, "destinations": (FAILING,), "late_for": LONG},
            "at_risk",
            ["destination_failing", "item_late", "items_lost"],
        ),
    ],
)
def test_protection(facts: dict[str, Any], state: str, reasons: list[str]) -> None:
    """Facts that meet."""
    assert judged(**facts) == (state, reasons)


_DESTINATIONS = strategies.builds(
    DestinationFacts,
    sending=strategies.booleans(),
    failing_for=strategies.sampled_from([None, 0.0, SHORT, LONG]),
    budget_spent=strategies.booleans(),
    closed=strategies.booleans(),
)
_FACTS = strategies.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(LASTING, strategies.sampled_from([0.0, SHORT, LONG])),
        **dict.fromkeys(
            (*AT_ONCE, "is_starting", "no_camera", "capture"), strategies.booleans()
        ),
        "destinations": strategies.lists(_DESTINATIONS, max_size=3).map(tuple),
    },
)


@given(_FACTS)
def test_states_and_reasons_agree(facts: dict[str, Any]) -> None:
    """Whatever meets: only who is protected, or starts, has no reason."""
    state, reasons = judged(**facts)
    if not reasons:
        starts = Protection.CATCHING_UP, Protection.PROTECTED
        assert state is starts[not facts.get("is_starting", False)]
    assert state is not Protection.PROTECTED or not reasons
    # Each state by what its reasons are.
    wishes = {Reason.CAPTURE_OFF, Reason.SENDING_OFF, Reason.ONLY_WHILE}
    assert (state is Protection.NOT_SET_UP) == (Reason.NO_DESTINATION in reasons)
    if state is not Protection.NOT_SET_UP:
        assert (state is Protection.PAUSED) == bool(wishes & set(reasons))
    if state is Protection.CATCHING_UP:
        harmless = {*LASTING.values(), Reason.DESTINATION_FAILING}
        assert set(reasons) <= harmless


def test_outages_become_a_risk_by_the_time_that_passes() -> None:
    """Somebody must look again by then."""
    facts = Facts(patience=900, destinations=ONE)
    assert next_change(facts) is None
    assert next_change(replace(facts, disk_full=True)) is None
    assert next_change(replace(facts, late_for=LONG)) is None
    assert next_change(replace(facts, late_for=LONG, mqtt_away_for=SHORT)) == 890


def test_onsets() -> None:
    """A fact lasts from when it was first seen; a break begins it again."""
    onsets = Onsets()
    assert onsets.lasting("rain") is None
    onsets.update({"rain": True}, 100)
    assert onsets.lasting("rain") == 0
    onsets.update({"rain": True, "wind": True}, 160)
    assert (onsets.lasting("rain"), onsets.lasting("wind")) == (60, 0)
    assert onsets.longer_than(59) == {"rain": 60}
    onsets.update({"wind": True}, 170)
    assert (onsets.lasting("rain"), onsets.lasting("wind")) == (None, 10)
    onsets.update({"rain": True}, 180)
    assert onsets.lasting("rain") == 0


@pytest.mark.parametrize(
    ("free", "sent_lately", "was_low", "expected"),
    [
        (None, 0, False, None),
        (None, 9 * GIB, True, None),
        (3 * GIB, 0, False, None),
        (2 * GIB, 0, False, None),
        (2 * GIB - 1, 0, False, int(2.2 * GIB)),
        # What was sent in three days must fit once more
        (9 * GIB, 8 * GIB, False, None),
        (7 * GIB, 8 * GIB, False, int(8.8 * GIB)),
        # A repair neither comes and goes with each file, nor asks for less than is free
        (8 * GIB + 1, 8 * GIB, True, int(8.8 * GIB)),
        (int(2.19 * GIB), 0, True, int(2.2 * GIB)),
        (9 * GIB, 8 * GIB, True, None),
    ],
)
def test_little_space(
    free: int | None, sent_lately: int, was_low: bool, expected: int | None
) -> None:
    """Said before it is full, and how much is enough."""
    assert (
        space_needed(free, sent_lately=sent_lately, is_known_to_be_low=was_low)
        == expected
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
    is_idle = nothing_uploaded(
        NOW, last_review=last_review, last_uploads=last_uploads, since=since
    )
    assert is_idle is expected


@pytest.mark.parametrize(("minutes", "expected"), [(14, False), (16, True)])
def test_the_first_review_may_be_on_its_way(minutes: int, expected: bool) -> None:
    """As long as an outage may last."""
    is_idle = nothing_uploaded(
        NOW,
        last_review=NOW,
        last_uploads=[ago(days=5)],
        since=ago(days=9),
        first_review=NOW - timedelta(minutes=minutes),
        patience=900,
    )
    assert is_idle is expected


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        (None, None),
        (HostKeyChanged("another key"), Problem.HOST_KEY_CHANGED),
        (AuthFailed("refused"), Problem.LOGIN_REFUSED),
        (InvalidKey("no key"), Problem.LOGIN_REFUSED),
        (NotMounted("another file system"), Problem.NOT_MOUNTED),
        (NoSpace("full"), Problem.NO_SPACE),
        (PermissionDenied("read-only"), Problem.NOT_WRITABLE),
        (PathNotAllowed("not listed"), Problem.NOT_WRITABLE),
        (PathNotFound("no folder"), Problem.NOT_WRITABLE),
    ],
)
def test_what_a_person_can_do_at_once(
    error: StorageError | None, problem: Problem | None
) -> None:
    """What does not end by itself is a problem at once."""
    for failing_for in (SHORT, LONG):
        assert problem_of(error, failing_for=failing_for, patience=900) is problem


@pytest.mark.parametrize(
    "error",
    [Unreachable("no route"), ConnectTimeout("no answer"), Unusable("no settings")],
)
def test_what_may_end_by_itself(error: StorageError) -> None:
    """Told when it lasts."""
    for failing_for, problem in (
        (None, None),
        (SHORT, None),
        (900.0, None),
        (LONG, Problem.UNREACHABLE),
    ):
        assert problem_of(error, failing_for=failing_for, patience=900) is problem


def test_onsets_after_a_restart() -> None:
    """What lasted before counts on if it holds, at the first look that can tell."""
    onsets = Onsets()
    onsets.update({"frost": True}, 90)
    onsets.resume({"frost": 5, "rain": 30, "wind": 40, "snow": 50})
    onsets.update({"frost": True, "rain": True, "wind": None}, 100)
    assert onsets.lasting("frost") == 15
    assert onsets.lasting("rain") == 30
    assert onsets.lasting("wind") is None
    assert onsets.longer_than(20) == {"rain": 30, "wind": 40}
    onsets.update({"rain": True, "wind": True, "snow": True}, 110)
    assert onsets.longer_than(0) == {"rain": 40, "wind": 40}
    onsets.update({"wind": True}, 120)
    onsets.update({"wind": True, "rain": True}, 130)
    assert onsets.longer_than(0) == {"wind": 60}
    # What is looked at by another, who does not know at first.
    onsets.update({"rain": True, "wind": None}, 140)
    assert onsets.lasting("wind") is None
    onsets.update({"rain": True, "wind": True}, 150)
    assert onsets.lasting("wind") == 60
