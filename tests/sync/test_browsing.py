"""What lies at the destinations is listed by camera and day, however much it is."""

from dataclasses import replace
from datetime import datetime
import sqlite3
import time
from zoneinfo import ZoneInfo

from hypothesis import given, strategies as st
import pytest

from custom_components.frigate_snap_sync.sync.ledger import (
    browsing,
    destinations,
    items,
    live_files,
    outcomes,
    review_objects,
    schema,
)
from custom_components.frigate_snap_sync.sync.ledger.pruning import prune
from custom_components.frigate_snap_sync.sync.model.item import Item, Media, Role
from custom_components.frigate_snap_sync.sync.model.stored import (
    Copy,
    FileKey,
    SearchWord,
)

from .ledgers import wanted
from .samples import ITEM
from .test_live_files import begin, expire

BERLIN = ZoneInfo("Europe/Berlin")
BOTH = ("nas", "cloud")
DAY = 86400.0


def day_of(moment: float) -> float:
    """Return when a day in Berlin began."""
    begin = datetime.fromtimestamp(moment, BERLIN)
    return begin.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()


def store(
    connection: sqlite3.Connection,
    item: Item,
    *,
    to: tuple[str, ...] = ("nas",),
    role: Role = Role.WHOLE,
    number: int = 1,
    start: int = 995,
) -> None:
    """Let one more file of an item lie at these destinations."""
    path = f"{item.media}/{item.source_id}/{role}{number}"
    file = replace(
        wanted(*to, path=path, number=number),
        role=role,
        suffix=f"{role}{number}",
        start=start,
        end=start + 30,
    )
    row = connection.execute(
        "SELECT id FROM items WHERE media = ? AND source_id = ?",
        (item.media, item.source_id),
    ).fetchone()
    if row is None:
        items.plan(connection, item, (file,))
    else:
        items.add_to(connection, row["id"], item, (file,))
    rows = connection.execute(
        "SELECT id FROM uploads WHERE state = 'pending' ORDER BY id"
    ).fetchall()
    for (upload_id,) in rows:
        outcomes.verified(connection, upload_id, size=7, now=1.0, keep_parts=True)


def shown(
    connection: sqlite3.Connection, *, among: tuple[str, ...] = BOTH
) -> list[tuple[str, str]]:
    """Return the items and files of a camera that are listed."""
    found = browsing.files(
        connection, "front_door", among=among, since=0, until=1e12, limit=100
    )
    return [(file.key.source_id, file.key.name) for file in found]


def test_by_camera_and_day(connection: sqlite3.Connection) -> None:
    """Days are those of Home Assistant's time zone; the newest comes first."""
    midnight = datetime(2026, 11, 22, tzinfo=BERLIN).timestamp()
    for number, start in enumerate((midnight - 1, midnight, midnight + DAY + 5)):
        store(connection, replace(ITEM, source_id=str(number), start=start))
    store(connection, replace(ITEM, source_id="x", camera="attic", start=5.0))
    assert browsing.cameras(connection, BOTH) == ["attic", "front_door"]
    days = browsing.periods(connection, "front_door", day_of, among=BOTH)
    assert [
        datetime.fromtimestamp(each, BERLIN).date().isoformat() for each in days
    ] == [
        "2026-11-23",
        "2026-11-22",
        "2026-11-21",
    ]
    one = browsing.periods(
        connection, "front_door", day_of, among=BOTH, since=midnight, until=midnight + 9
    )
    assert one == [midnight]
    found = browsing.files(
        connection, "front_door", among=BOTH, since=midnight, until=1e12, limit=9
    )
    assert [file.key.source_id for file in found] == ["2", "1"]
    assert [file.start for file in found] == [midnight + DAY + 5, midnight]
    assert (found[0].labels, found[0].severity) == (
        ("person", "traffic light"),
        "alert",
    )
    assert found[0].size == 7
    assert browsing.count(connection, "front_door", since=midnight, until=1e12) == 2


def test_only_what_can_be_read(connection: sqlite3.Connection) -> None:
    """Nothing of a destination that was removed, or can't read what it has."""
    store(connection, replace(ITEM, source_id="a"), to=("nas",))
    store(connection, replace(ITEM, source_id="b"), to=("cloud",))
    store(connection, replace(ITEM, source_id="c", camera="attic"), to=("cloud",))
    items.plan(connection, replace(ITEM, source_id="waits"), (wanted("nas"),))
    assert sorted(shown(connection)) == [("a", "1.mp4"), ("b", "1.mp4")]
    assert shown(connection, among=("nas",)) == [("a", "1.mp4")]
    assert browsing.cameras(connection, ("nas",)) == ["front_door"]
    assert browsing.cameras(connection, ()) == []
    assert browsing.periods(connection, "attic", day_of, among=("nas",)) == []


def test_files_of_one_item(connection: sqlite3.Connection) -> None:
    """Half hours, each with its time; parts as long as no whole reaches over them."""
    running = replace(ITEM, source_id="running", end=None)
    items.remember_open(connection, running)
    store(connection, running, role=Role.PART, start=1000)
    store(connection, running, role=Role.PART, number=2, start=1030)
    long = replace(ITEM, source_id="long", start=900.0, end=5000.0)
    store(connection, long, role=Role.PART, start=1801)
    for number in (1, 2):
        store(connection, long, number=number, start=1800 * number)
    short = replace(ITEM, source_id="short", start=800.0, end=810.0)
    items.plan(connection, short, (wanted("nas"),))
    connection.execute(
        "UPDATE uploads SET state = 'incomplete' WHERE state = 'pending'"
    )
    store(connection, short, role=Role.INCOMPLETE)
    assert shown(connection) == [
        ("running", "part-2.mp4"),
        ("running", "part-1.mp4"),
        ("long", "2.mp4"),
        ("long", "1.mp4"),
        ("short", "incomplete-1.mp4"),
    ]
    times = [
        (file.start, file.end)
        for file in browsing.files(
            connection, "front_door", among=BOTH, since=0, until=1e12, limit=9
        )
    ]
    assert times[1:] == [(1000, 1030), (3600, 3630), (1800, 1830), (800, 810)]


def test_pictures_of_a_recording(connection: sqlite3.Connection) -> None:
    """What Frigate published meanwhile, else a snapshot of what the review names."""

    def thumbnail() -> tuple[Media, str] | None:
        (file,) = (
            file
            for file in browsing.files(
                connection, "front_door", among=BOTH, since=0, until=1e12, limit=9
            )
            if file.key.media is Media.RECORDINGS
        )
        key = file.thumbnail
        return None if key is None else (key.media, key.source_id)

    assert browsing.newest_picture(connection, "front_door", among=BOTH) is None
    store(connection, replace(ITEM, object_ids=frozenset({"1.5-mine"})))
    assert browsing.newest_picture(connection, "front_door", among=BOTH) is None
    still = replace(ITEM, media=Media.SNAPSHOTS, label="person")
    store(connection, replace(still, source_id="1.5-other"))
    assert thumbnail() is None
    store(connection, replace(still, source_id="1.5-mine"), to=("cloud",))
    assert thumbnail() == (Media.SNAPSHOTS, "1.5-mine")
    live = replace(still, media=Media.LIVE_SNAPSHOTS)
    store(connection, replace(live, source_id="early", start=ITEM.start - 60))
    store(connection, replace(live, source_id="attic", camera="attic"))
    assert thumbnail() == (Media.SNAPSHOTS, "1.5-mine")
    store(connection, replace(live, source_id="a/b/00", start=ITEM.start - 1))
    assert thumbnail() == (Media.LIVE_SNAPSHOTS, "a/b/00")
    store(connection, replace(still, source_id="9.5-new", start=ITEM.start + 9))
    newest = browsing.newest_picture(connection, "front_door", among=BOTH)
    assert newest == FileKey(media=Media.SNAPSHOTS, source_id="9.5-new")
    assert browsing.newest_picture(connection, "front_door", among=()) is None


def test_a_picture_is_looked_for_among_the_newest(
    connection: sqlite3.Connection,
) -> None:
    """A camera with nothing but recordings is not looked through as a whole."""
    still = replace(ITEM, media=Media.SNAPSHOTS, source_id="1.5-still")
    store(connection, still)
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    def fill(numbers: range) -> None:
        connection.executemany(
            "INSERT INTO items (media, source_id, camera, label, labels, zones, start,"
            " end, reported_at, is_open, copies)"
            " VALUES ('recordings', ?1, 'front_door', 'cat', '[]', '[]', ?2, ?2, ?2, 0, 1)",
            [(f"{number}.5-x", ITEM.start + number) for number in numbers],
        )

    def looked() -> tuple[FileKey | None, int]:
        nonlocal steps
        steps = 0
        connection.set_progress_handler(count, 100)
        found = browsing.newest_picture(connection, "front_door", among=BOTH)
        connection.set_progress_handler(None, 0)
        return found, steps

    fill(range(1, 900))
    found, _ = looked()
    assert found == FileKey(media=Media.SNAPSHOTS, source_id="1.5-still")
    fill(range(900, 2000))
    found, once = looked()
    assert found is None
    fill(range(2000, 20_000))
    _, later = looked()
    assert later < 2 * once


def test_where_a_file_lies(connection: sqlite3.Connection) -> None:
    """Each copy with its own path; not what only waits."""
    store(connection, ITEM, to=BOTH)
    items.plan(connection, replace(ITEM, source_id="waits"), (wanted("nas"),))
    key = FileKey(media=ITEM.media, source_id=ITEM.source_id)
    path = f"{ITEM.media}/{ITEM.source_id}/whole1"
    found = browsing.copies(connection, key, among=BOTH)
    assert {copy.destination_id for copy in found} == set(BOTH)
    assert {copy.size for copy in found} == {7}
    assert all(copy.path.startswith(path[:20]) for copy in found)
    (one,) = browsing.copies(connection, key, among=("cloud",))
    assert isinstance(one, Copy)
    for other in (
        replace(key, number=2),
        replace(key, role=Role.PART),
        replace(key, source_id="waits"),
        replace(key, media=Media.SNAPSHOTS),
    ):
        assert not browsing.copies(connection, other, among=BOTH)


def test_objects_are_forgotten_with_their_review(
    connection: sqlite3.Connection,
) -> None:
    """And not before."""
    item = replace(ITEM, object_ids=frozenset({"1.5-a", "1.5-b"}))
    store(connection, item)
    snapshot = replace(item, media=Media.SNAPSHOTS, source_id="1.5-a")
    prune(connection, before=1e12, limit=9)
    assert review_objects.review_of(connection, snapshot) == ITEM.source_id
    connection.execute("UPDATE uploads SET state = 'expired'")
    assert prune(connection, before=1e12, limit=9) == 1
    assert review_objects.review_of(connection, snapshot) is None


@given(
    media=st.sampled_from(Media),
    source_id=st.text(min_size=1),
    role=st.sampled_from(Role),
    number=st.integers(0, 10**8),
)
def test_a_file_is_found_by_its_name(
    media: Media, source_id: str, role: Role, number: int
) -> None:
    """Whatever Frigate's ids are; and its name is legal in any URL."""
    key = FileKey(media=media, source_id=source_id, role=role, number=number)
    assert FileKey.parse(media.kind, key.token, key.name) == key
    assert not set(key.token + key.name) & set("/?#%:@ \\|")


@pytest.mark.parametrize(
    ("kind", "token", "name"),
    [
        ("film", "a", "1.mp4"),
        ("recording", "a", "1.jpg"),
        ("recording", "a", "one.mp4"),
        ("recording", "a", "../1.mp4"),
        ("recording", "a", "whole-1.mp4"),
        ("recording", "~?", "1.mp4"),
        ("recording", "~_w", "1.mp4"),
        ("recording", "~YQ", "1.mp4"),
        ("recording", "a", "01.mp4"),
    ],
)
def test_no_file_has_such_a_name(kind: str, token: str, name: str) -> None:
    """It was typed, or came from elsewhere."""
    with pytest.raises(ValueError, match=r".+"):
        FileKey.parse(kind, token, name)


ROWS = 100_000
CAMERAS = 5


@pytest.fixture(scope="module")
def years() -> sqlite3.Connection:
    """Return a ledger of very many items, of five cameras in two years."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.row_factory = sqlite3.Row
    schema.migrate(connection)
    destinations.keep_destinations(connection, ["nas", "cloud"], now=0)
    step = 2 * 365 * DAY / ROWS
    connection.execute("BEGIN")
    connection.executemany(
        "INSERT INTO items (id, media, source_id, camera, label, labels, zones, severity,"
        " start, end, reported_at, is_open, copies)"
        " VALUES (?, ?, ?, ?, '', '[\"person\"]', '[]', 'alert', ?, ?, ?, 0, 1)",
        (
            (
                number,
                "recordings" if number % 4 else "live_snapshots",
                f"{number}.5-abc",
                f"camera_{number % CAMERAS}",
                1.7e9 + number * step,
                1.7e9 + number * step + 30,
                1.7e9 + number * step + 60,
            )
            for number in range(ROWS)
        ),
    )
    connection.executemany(
        "INSERT INTO files (id, item_id, role, number, rank, state, due)"
        " VALUES (?1, ?1, 'whole', 1, 4, 'released', 0)",
        ((number,) for number in range(ROWS)),
    )
    connection.executemany(
        "INSERT INTO uploads (id, item_id, file_id, destination_id, role, base, path,"
        " path_key, state, rank, expected_at, size, item_start) VALUES (?1, ?1, ?1, 'nas',"
        " 'whole', '', ?1, ?1, 'verified', 4, 0, 7, ?2)",
        ((number, 1.7e9 + number * step) for number in range(ROWS)),
    )
    connection.execute("COMMIT")
    return connection


def test_quick_however_much_there_is(years: sqlite3.Connection) -> None:
    """Each question takes a small part of a second: it follows an index."""
    spent: dict[str, float] = {}

    def asked[T](name: str, answer: T, begin: float) -> T:
        spent[name] = time.perf_counter() - begin
        return answer

    begin = time.perf_counter()
    names = asked("cameras", browsing.cameras(years, BOTH), begin)
    begin = time.perf_counter()
    days = asked("days", browsing.periods(years, "camera_3", day_of, among=BOTH), begin)
    begin = time.perf_counter()
    found = asked(
        "day",
        browsing.files(
            years,
            "camera_3",
            among=BOTH,
            since=days[300],
            until=days[300] + DAY,
            limit=500,
        ),
        begin,
    )
    key = found[0].key
    begin = time.perf_counter()
    asked("copies", browsing.copies(years, key, among=BOTH), begin)
    assert len(names) == CAMERAS
    assert len(days) == 731
    assert len(found) == 28
    # Half a million take no longer, but the days: docs/performance.md.
    assert spent["cameras"] < 0.05, spent
    assert spent["days"] < 0.25, spent
    assert spent["day"] < 0.1, spent
    assert spent["copies"] < 0.05, spent


def test_film_of_a_running_review(connection: sqlite3.Connection) -> None:
    """It is all that lies there of a break-in, and is found before any part has left."""
    items.remember_open(connection, replace(ITEM, end=None))
    file = begin(connection, is_ours=False)
    assert browsing.cameras(connection, BOTH) == []
    live_files.own(connection, file.id)
    film = FileKey(
        media=Media.RECORDINGS,
        source_id=ITEM.source_id,
        role=Role.LIVE,
        number=10_000,
    )
    assert browsing.cameras(connection, BOTH) == ["front_door"]
    assert browsing.cameras(connection, ("cloud",)) == []
    assert browsing.count(connection, "front_door", since=0, until=1e12) == 1
    (found,) = browsing.files(
        connection, "front_door", among=BOTH, since=0, until=1e12, limit=9
    )
    assert (found.key, found.start, found.end, found.size) == (film, 1000, None, None)
    searched = browsing.search(
        connection,
        [SearchWord(text="person")],
        among=BOTH,
        camera=None,
        is_video=True,
        since=0,
        until=1e12,
        limit=9,
    )
    assert searched == [found]
    path = file.path
    growing = Copy(destination_id="nas", path=path, size=None, is_growing=True)
    assert browsing.copies(connection, film, among=BOTH) == [growing]
    assert browsing.copies(connection, film, among=("cloud",)) == []

    live_files.ended(connection, file.id, held=((1000, 1012),), size=99)
    (found,) = browsing.files(
        connection, "front_door", among=BOTH, since=0, until=1e12, limit=9
    )
    assert (found.end, found.size) == (1012, 99)
    (copy,) = browsing.copies(connection, film, among=BOTH)
    assert not copy.is_growing


def test_film_until_the_whole_is_there(connection: sqlite3.Connection) -> None:
    """Beside the parts, and in the place of nothing; then the recording alone."""
    items.remember_open(connection, replace(ITEM, end=None))
    file = begin(connection)
    live_files.ended(connection, file.id, held=((1000, 1012),), size=99)
    store(connection, ITEM, role=Role.PART, start=996)
    assert [name for _, name in shown(connection)] == ["live-10000.mp4", "part-1.mp4"]
    # Nothing is removed where all is kept.
    store(connection, ITEM)
    assert shown(connection) == [(ITEM.source_id, "1.mp4")]


def test_what_comes_after_the_first_half_hour(connection: sqlite3.Connection) -> None:
    """Its film and parts are shown until the next one is there, whoever goes meanwhile."""
    running = replace(ITEM, end=None)
    items.remember_open(connection, running)
    past, ended, growing = (
        begin(connection, start=start) for start in (996, 1015, 997)
    )
    live_files.ended(connection, past.id, held=((996, 1015),), size=99)
    live_files.ended(connection, ended.id, held=((1015, 1030),), size=99)
    cut_off = begin(connection, start=1010)
    connection.execute(
        "UPDATE live_files SET state = 'kept', ended_by = 1030 WHERE id = ?",
        (cut_off.id,),
    )
    store(connection, running, role=Role.PART, start=990)
    store(connection, running, role=Role.PART, number=2, start=1020)
    store(connection, running)
    live = [f"live-{number}0000.mp4" for number in (4, 3, 2)]
    assert [name for _, name in shown(connection)] == [
        *live,
        "part-2.mp4",
        "1.mp4",
        "part-1.mp4",
    ]
    live_files.ended(connection, growing.id, held=((997, 1030),), size=99, keep=True)
    assert [name for _, name in shown(connection)][:3] == live
    store(connection, running, number=2, start=1025)
    assert [name for _, name in shown(connection)] == ["2.mp4", "1.mp4", "part-1.mp4"]


def test_film_in_pieces(connection: sqlite3.Connection) -> None:
    """Each plays alone; how many there are is known when it has ended."""
    items.remember_open(connection, replace(ITEM, end=None))
    film = begin(connection, destination="cloud", pieces=64)
    stills = live_files.begin(
        connection,
        ITEM.source_id,
        "cloud",
        base="2026/door-abc123.mp4",
        short_id=ITEM.short_id,
        start=1004,
        pieces=64,
        extension="jpg",
    )
    assert stills is not None
    live_files.own(connection, stills.id)
    assert browsing.cameras(connection, BOTH) == []
    held = ((1000.0, 1004.0),)
    live_files.ended(connection, film.id, held=held, size=9, pieces=2)
    live_files.ended(connection, stills.id, held=held, size=9, pieces=1)
    found = browsing.files(
        connection, "front_door", among=BOTH, since=0, until=1e12, limit=9
    )
    assert [file.key.name for file in found] == [
        "live-20001.jpg",
        "live-10002.mp4",
        "live-10001.mp4",
    ]
    assert [file.thumbnail == file.key for file in found] == [True, False, False]
    paths = [
        [copy.path for copy in browsing.copies(connection, file.key, among=BOTH)]
        for file in found
    ]
    assert paths == [
        ["2026/door-abc123-live02-0001.jpg"],
        ["2026/door-abc123-live01-0002.mp4"],
        ["2026/door-abc123-live01-0001.mp4"],
    ]
    for other in (
        replace(found[0].key, is_still=False),
        replace(found[1].key, number=10_000),
        replace(found[1].key, number=10_003),
    ):
        assert browsing.copies(connection, other, among=BOTH) == []
    for file in found:
        key = file.key
        assert FileKey.parse(key.media.kind, key.token, key.name) == key


def test_film_that_goes_is_not_listed(
    connection: sqlite3.Connection,
) -> None:
    """Whatever made it go: the counts of the items are right."""
    for number in range(4):
        review = replace(ITEM, source_id=str(number), end=None)
        items.remember_open(connection, review)
        file = live_files.begin(
            connection,
            review.source_id,
            "nas",
            base=f"{number}.mp4",
            short_id=str(number),
            start=number,
        )
        assert file is not None
        live_files.own(connection, file.id)
        live_files.ended(connection, file.id, held=((number, number + 9),), size=9)
        if number == 1:
            live_files.taken(connection, file.id)
        if number == 2:
            live_files.removed(connection, file.id)
    expire(connection, before=0.5)
    films = connection.execute("SELECT source_id, films FROM items ORDER BY id")
    # The first one's review is still open: it stays.
    assert dict(map(tuple, films)) == {"0": 1, "1": 0, "2": 0, "3": 1}
    assert sorted(source for source, _ in shown(connection)) == ["0", "3"]
