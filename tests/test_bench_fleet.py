"""The section on many homes: what it calls lost, and a run with two."""

from dataclasses import replace

import pytest

from bench.fleet import SIZE, rows
from bench.fleet_load import Comparison, FleetSize, Sent, compare, joined
from bench.report import Row, missed
from custom_components.frigate_snap_sync.storage.check import FIXED_PROBE

from .harness.s3_homes import Stored

TINY = FleetSize(
    homes=2, processes=2, calm=1, pause=0.5, live=2, objects=1, recordings=1, clip=1000
)


def stored(key: str, *, size: int = 1000, etag: str = "") -> Stored:
    """Return an object as the list shows it."""
    return Stored(key=key, size=size, etag=etag or key)


def picture(home: str, etag: str) -> Stored:
    """Return a live snapshot."""
    return stored(f"{home}/day/x-front_door-live-snapshot-person-{etag}.jpg", etag=etag)


LIVE = {"home-000": ["a", "b", "c"], "home-001": ["d", "e", "f"]}
ALL = [
    *(picture(home, etag) for home, etags in LIVE.items() for etag in etags),
    *(
        stored(f"{home}/day/x-front_door-{name}")
        for home in LIVE
        for name in ("snapshot-person-1.jpg", "recording-person-2.mp4")
    ),
    *(stored(f"{home}/{FIXED_PROBE}") for home in LIVE),
]


def outcome(objects: list[Stored]) -> tuple[int, int]:
    """Return what is lost of them, and what is too much."""
    result = compare(objects, LIVE, TINY, ignored=FIXED_PROBE)
    return result.lost, result.extra


def test_homes_are_shared_out() -> None:
    """Each is in one process."""
    size = replace(TINY, homes=7, processes=3)
    names = [name for process in range(3) for name in size.names(process)]
    assert sorted(names) == [f"home-{number:03}" for number in range(7)]
    assert [len(size.names(process)) for process in range(3)] == [3, 2, 2]
    assert size.published == 7 * (1 + 2 + 1 + 1)
    assert SIZE.homes == 50


def test_all_is_there() -> None:
    """What the test of each destination left belongs to no item."""
    result = compare(ALL, LIVE, TINY, ignored=FIXED_PROBE)
    assert result == Comparison(lost=0, extra=0, files=10, size=10_000)
    assert result.files == TINY.published


@pytest.mark.parametrize("number", range(10))
def test_each_file_is_missed(number: int) -> None:
    """Whichever is not there."""
    assert outcome(ALL[:number] + ALL[number + 1 :]) == (1, 0)


@pytest.mark.parametrize(
    ("objects", "expected"),
    [
        ([*ALL, picture("home-000", "x")], (0, 1)),
        ([*ALL, replace(ALL[0], key=f"{ALL[0].key}-retry.jpg")], (0, 1)),
        ([*ALL, stored("home-000/day/x-snapshot-3.jpg")], (0, 1)),
        ([*ALL, stored("home-009/day/x-snapshot-3.jpg")], (0, 1)),
        # Another home's picture, and half a recording.
        ([*ALL[1:], replace(ALL[0], key=ALL[3].key + "2.jpg")], (1, 1)),
        ([replace(x, size=999) if "recording" in x.key else x for x in ALL], (2, 2)),
    ],
)
def test_too_much(objects: list[Stored], expected: tuple[int, int]) -> None:
    """Nothing makes up for what is lost."""
    assert outcome(objects) == expected


def sent(**changes: object) -> Sent:
    """Return what a process reports."""
    values = {
        "live": {},
        "waits": {"calm": [0.1, 0.2]},
        "failed": [],
        "requests": {"PUT": 5, "GET": 1},
        "begin": 10.0,
        "end": 12.0,
        "cpu": 3.0,
        "at_rest": 1 << 20,
        "peak": 4 << 20,
    }
    return Sent.from_json({**values, **changes})


def by_figure(table: list[Row]) -> dict[str, Row]:
    """Return the rows by what they are about."""
    return {row.figure: row for row in table}


def test_figures() -> None:
    """Of all processes together, from the first message to the last copy."""
    size = replace(TINY, image=1000)
    reports = [sent(), sent(begin=11.0, end=14.0)]
    assert Sent.from_json(reports[0].to_json()) == reports[0]
    assert joined(reports, "calm") == [0.1, 0.2, 0.1, 0.2]
    result = Comparison(lost=0, extra=0, files=10, size=2000 + (8 << 20))
    figures = by_figure(rows(size, reports, result, gateway_cpu=0.5))
    assert not missed(figures.values())
    values = {figure: row.value for figure, row in figures.items()}
    assert values["all at once: files"] == 2
    assert values["all at once: volume"] == 2
    assert values["all at once: CPU of a home"] == 3
    assert values["CPU of Ceph, for 1,000 files"] == 50
    assert values["memory of a home, connected"] == 1
    assert values["memory of a home, highest"] == 4
    assert values["PUT requests for each file"] == 1
    calm = "message to verified, p95: a live snapshot in 0.5 s from each home"
    assert values[calm] == 0.2


@pytest.mark.parametrize(
    ("changes", "requests"),
    [({"lost": 1}, {}), ({"extra": 1}, {}), ({}, {"PUT": 6}), ({}, {"PUT": 4})],
)
def test_what_is_not_wanted(changes: dict[str, int], requests: dict[str, int]) -> None:
    """A file lost or twice, or more requests than files, fails the bench."""
    result = replace(Comparison(lost=0, extra=0, files=10, size=9000), **changes)
    reports = [sent(), sent(requests=requests or {"PUT": 5})]
    assert len(missed(rows(TINY, reports, result, gateway_cpu=1))) == 1
