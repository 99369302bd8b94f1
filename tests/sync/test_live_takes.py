"""A film cut into takes, and what is sent of it next: pure decisions."""

import asyncio
from dataclasses import replace
from itertools import islice
from typing import override

import pytest

from custom_components.frigate_snap_sync.frigate.live_mp4 import (
    LiveFragment,
    look_at_bytes,
)
from custom_components.frigate_snap_sync.sync.live.film import (
    Batch,
    Chunk,
    Film,
    Shown,
    StillTakes,
    Takes,
    next_batch,
)
from custom_components.frigate_snap_sync.sync.model.item import Role
from custom_components.frigate_snap_sync.sync.model.plans import (
    FilePlan,
    FileState,
    Progress,
    UploadPlan,
)
from custom_components.frigate_snap_sync.sync.support.live_progress import LiveProgress

from ..frigate.live_sessions import film as recorded
from ..waiting import LONG
from .live_film import messages


def chunk(number: int, *, key: bool = False, size: int = 100, take: int = 1) -> Chunk:
    """Return the picture of a film that has one each second."""
    return Chunk(
        number=number,
        take=take,
        init=b"init",
        data=bytes(size),
        is_keyframe=key,
        arrived=float(number),
        moment=1000.0 + number,
        seconds=float(number),
    )


class Moment(float):
    """A moment that counts how often any is compared."""

    compared = 0

    @override
    def __eq__(self, other: object) -> bool:
        Moment.compared += 1
        return super().__eq__(other)

    __hash__ = float.__hash__

    @override
    def __lt__(self, other: float) -> bool:
        Moment.compared += 1
        return super().__lt__(other)

    @override
    def __gt__(self, other: float) -> bool:
        Moment.compared += 1
        return super().__gt__(other)

    @override
    def __le__(self, other: float) -> bool:
        Moment.compared += 1
        return super().__le__(other)

    @override
    def __ge__(self, other: float) -> bool:
        Moment.compared += 1
        return super().__ge__(other)


def chunks(*, begin: int = 1, end: int, gop: int = 4) -> list[Chunk]:
    """Return chunks from `begin` to before `end`; each `gop` begins with a keyframe."""
    return [chunk(number, key=(number - 1) % gop == 0) for number in range(begin, end)]


def cut(takes: Takes, *found: object) -> list[Chunk]:
    """Return what is kept of some messages."""
    kept = [
        takes.feed(message, arrived=0, moment=0)  # type: ignore[arg-type]
        for message in found
    ]
    return [each for each in kept if each is not None]


def test_a_take_is_the_film_byte_for_byte() -> None:
    """From the first keyframe on nothing is left out, and each take plays."""
    film = list(islice(messages(), 41))
    kept = cut(Takes(longest=1800, jump=1), *film)

    assert [each.number for each in kept] == list(range(1, 41))
    assert {each.take for each in kept} == {1}
    assert [each.data for each in kept] == [each.data for each in film[1:]]
    assert [each.number for each in kept if each.is_keyframe] == [1, 11, 21, 31]


def test_what_comes_before_a_keyframe_is_left_out() -> None:
    """It can't be shown."""
    init, *film = islice(messages(), 20)
    kept = cut(Takes(longest=1800, jump=1), init, *film[5:])

    assert kept[0].is_keyframe
    assert len(kept) == 19 - 10


@pytest.mark.parametrize("hole", [15, -8])
def test_a_jump_of_the_clock_begins_another_take(hole: int) -> None:
    """A camera's gap: what follows it is no film together with what was before."""
    init, *film = islice(messages(first=10), 26)
    later = list(islice(messages(first=10 + hole), 3, 30))
    kept = cut(Takes(longest=1800, jump=1), init, *film, *later)

    first = [each for each in kept if each.take == 1]
    second = [each for each in kept if each.take == 2]
    assert len(first) == 25
    assert second[0].is_keyframe
    for take in (first, second):
        data = take[0].init + b"".join(each.data for each in take)
        assert look_at_bytes(data).size == len(data)


def test_a_long_take_ends_at_a_keyframe() -> None:
    """The check of an MP4 has a limit, and so has the patience of who looks at it."""
    kept = cut(Takes(longest=2.5, jump=1), *islice(messages(), 71))

    begins = [each for n, each in enumerate(kept) if each.take != kept[n - 1].take]
    assert [each.number for each in begins] == [1, 31, 61]
    assert all(each.is_keyframe for each in begins)


def test_another_beginning_is_another_take() -> None:
    """As after go2rtc was restarted, or the connection was."""
    takes = Takes(longest=1800, jump=1)
    first = cut(takes, *islice(messages(), 11))
    takes.interrupt()
    second = cut(takes, *islice(messages(), 11))

    assert {each.take for each in first} == {1}
    assert {each.take for each in second} == {2}
    assert second[0].number == first[-1].number + 1


def test_takes_of_the_last_minute_are_counted() -> None:
    """However they came to be; and those before are forgotten."""
    takes = Takes(longest=1800, jump=1)
    init, key, *_ = islice(messages(), 2)
    for second in range(0, 100, 10):
        takes.interrupt()
        for message in (init, key, key):
            takes.feed(message, arrived=second, moment=0)
    assert takes.of_last_minute(90) == 7
    assert takes.of_last_minute(121) == 3
    assert takes.of_last_minute(300) == 0


def test_sound_belongs_to_the_take_that_is_open() -> None:
    """A recorded film with sound is kept whole, in its order."""
    from custom_components.frigate_snap_sync.frigate.live_mp4 import (  # noqa: PLC0415
        parse_fragment,
        parse_init,
    )

    data = recorded("h264_aac")
    init = parse_init(data[0])
    fragments = [parse_fragment(each, init) for each in data[1:]]
    sound = next(each for each in fragments if each.pictures is None)
    kept = cut(Takes(longest=1800, jump=1), init, sound, *fragments)

    assert [each.data for each in kept] == list(data[1:])


def test_a_film_keeps_its_newest_seconds() -> None:
    """And begins with a keyframe, so that it can be shown."""
    film = Film(most_bytes=1000)
    for each in chunks(end=16):
        film.add(each)

    kept = film.after(0)
    assert kept[0].is_keyframe
    assert kept[-1].number == 15
    assert 600 <= sum(len(each.data) for each in kept) <= 1000
    assert [each.number for each in film.after(13)] == [14, 15]
    assert film.after(15) == []


def test_a_picture_larger_than_all_is_not_kept() -> None:
    """Then there is no film, but no memory is eaten either."""
    film = Film(most_bytes=1000)
    film.add(chunk(1, key=True))
    film.add(chunk(2, size=5000))

    assert film.after(0) == []
    film.add(chunk(3, key=True))
    assert [each.number for each in film.after(0)] == [3]


async def test_who_waits_for_more_gets_it() -> None:
    """Each picture wakes all who follow."""
    film = Film(most_bytes=1000)
    waiting = [asyncio.create_task(film.more(0)) for _ in range(3)]
    await asyncio.sleep(0)
    film.add(chunk(1, key=True))
    async with asyncio.timeout(LONG):
        await asyncio.gather(*waiting)


def test_where_a_film_is_taken_up() -> None:
    """At the first keyframe since a moment, else with what comes next."""
    film = Film(most_bytes=100_000)
    assert film.before(0) == 0
    for each in chunks(end=12):
        film.add(each)

    assert film.before(0) == 0
    assert film.before(3) == 4
    assert film.before(10) == 11
    assert film.before_keyframe(4) == 4
    assert film.before_keyframe(5) == 8
    assert film.before_keyframe(9) == 11
    assert film.before_keyframe(20) == 20


@pytest.mark.parametrize(
    ("end", "last", "oldest", "sent", "is_jump"),
    [
        (8, 0, 0, range(1, 8), False),
        (8, 3, 0, range(4, 8), False),
        # Late, but the newest keyframe was sent already: what follows belongs to it.
        (8, 5, 7, range(6, 8), False),
        # Late: it continues with the newest keyframe.
        (12, 2, 7, range(9, 12), True),
        (12, 8, 7, range(9, 12), False),
    ],
)
def test_what_is_sent_next(
    end: int, last: int, oldest: float, sent: range, is_jump: bool
) -> None:
    """Everything, as long as it is in time."""
    batch = next_batch(
        [each for each in chunks(end=end) if each.number > last],
        last=last,
        oldest=oldest,
        most_bytes=10_000,
    )

    assert batch is not None
    assert [each.number for each in batch.chunks] == list(sent)
    assert batch.is_jump == is_jump


def test_what_the_film_no_longer_has_is_jumped_over() -> None:
    """From the next keyframe on; before it there is nothing to show."""
    found = chunks(begin=6, end=12)

    batch = next_batch(found, last=2, oldest=0, most_bytes=10_000)
    assert batch is not None
    assert batch.is_jump
    assert batch.chunks[0].number == 9
    assert next_batch(found[:3], last=2, oldest=0, most_bytes=10_000) is None
    assert next_batch([], last=2, oldest=0, most_bytes=10_000) is None


def test_one_write_has_a_largest_size_and_one_take() -> None:
    """But at least a picture, however large."""
    found = chunks(end=9)
    other = [replace(each, take=2) for each in chunks(begin=9, end=12)]

    def numbers(most: int, last: int = 0, longest: float = 1e9) -> list[int]:
        batch = next_batch(
            [each for each in (*found, *other) if each.number > last],
            last=last,
            oldest=0,
            most_bytes=most,
            longest=longest,
        )
        assert batch is not None
        return [each.number for each in batch.chunks]

    assert numbers(250) == [1, 2]
    assert numbers(10) == [1]
    assert numbers(100_000) == list(range(1, 9))
    assert numbers(100_000, last=8) == [9, 10, 11]
    assert numbers(100_000, longest=2) == [1, 2, 3]
    assert numbers(100_000, longest=0) == [1]


def test_stills_are_cut_where_a_film_is() -> None:
    """After a break, and when there are many; their numbers have no hole."""
    takes = StillTakes(longest=60, pause=10)
    arrivals = (0, 1, 10, 20, 21, 50, 80.5, 81)
    found = [takes.feed(b"", arrived=each, moment=1000 + each) for each in arrivals]
    assert [each.take for each in found] == [1, 1, 1, 2, 2, 3, 4, 4]
    takes = StillTakes(longest=3, pause=10)
    found = [takes.feed(b"", arrived=each, moment=each) for each in range(8)]
    assert [each.take for each in found] == [1, 1, 1, 2, 2, 2, 3, 3]
    assert [each.number for each in found] == list(range(1, 9))


def test_the_seconds_that_are_shown() -> None:
    """A gap is one, and what follows is joined to what was before otherwise."""
    shown = Shown()
    found = chunks(end=20)
    shown.add(Batch(chunks=tuple(found[:3])))
    shown.add(Batch(chunks=tuple(found[3:5])))
    assert shown.newest == ((1001, 1005),)
    shown.add(Batch(chunks=tuple(found[12:16]), is_jump=True))
    shown.add(Batch(chunks=tuple(found[16:17])))
    assert shown.newest == ((1001, 1005), (1013, 1017))


def test_pictures_alone_are_held_too() -> None:
    """No film is made of them, but they must not be taken for nothing."""
    shown = Shown()
    found = chunks(end=20)
    for number in (0, 6, 12):
        shown.add(Batch(chunks=(found[number],), is_jump=True))
    assert shown.newest == ()
    assert shown.held == ((1001, 1002), (1007, 1008), (1013, 1014))
    shown.add(Batch(chunks=(found[13],)))
    assert shown.newest == ((1013, 1014),)


@pytest.mark.parametrize("step", [-60.0, -4.0, 3600.0])
def test_frigate_s_clock_is_set_in_mid_film(step: float) -> None:
    """What was shown before stays known, and no second is made up."""
    shown = Shown()
    found = chunks(end=20)
    later = [replace(each, moment=each.moment + step) for each in found]
    shown.add(Batch(chunks=tuple(found[:5])))
    shown.add(Batch(chunks=(*found[5:8], *later[8:10])))
    shown.add(Batch(chunks=tuple(later[10:12])))
    expected = [(1001, 1008), (1009 + step, 1012 + step)]
    if step == -4.0:
        expected = [(1001, 1008)]
    assert shown.newest == shown.held == tuple(sorted(expected))


def test_parts_are_needed_from_where_live_film_lacks_something() -> None:
    """Up to there all destinations have it; one that has none needs all parts."""
    progress = LiveProgress()
    uploads = [UploadPlan(destination_id=each, path="") for each in ("nas", "cloud")]
    known = Progress(parts=1, parts_end=1010)

    def until(*ids: str, parts_end: int | None = 1010) -> int | None:
        return progress.ahead(
            replace(known, parts_end=parts_end),
            "review",
            [each for each in uploads if each.destination_id in ids],
        ).parts_end

    assert until("nas") == 1010
    progress.note("review", "nas", ((1000, 1040.5),))
    assert until("nas") == 1039
    assert until("nas", "cloud") == 1010
    assert until("nas", parts_end=None) is None
    assert until("nas", parts_end=1050) == 1050
    progress.note("review", "cloud", ((1005, 1025),))
    assert until("nas", "cloud") == 1024
    # A gap: what comes behind it does not help.
    progress.note("review", "nas", ((1060, 1090),))
    assert until("nas") == 1039
    assert until("nas", parts_end=1070) == 1089
    assert until() == 1010


def test_a_part_goes_to_those_who_lack_some_of_it() -> None:
    """Who has it live need not get it for the sake of others; the first goes to all."""
    progress = LiveProgress()
    progress.note("review", "nas", ((1000, 1041),))
    progress.note("review", "vault", ((1000, 1020), (1030, 1041)))
    progress.note("other", "cloud", ((1000, 1041),))
    ids = ("nas", "vault", "cloud")

    def receivers(*, role: Role = Role.PART, number: int = 2, end: int = 1040) -> str:
        part = FilePlan(
            state=FileState.WANTED,
            uploads=tuple(UploadPlan(destination_id=each, path="") for each in ids),
            role=role,
            number=number,
            start=1010,
            end=end,
        )
        (needed,) = progress.without_held("review", (part,))
        assert replace(needed, uploads=part.uploads) == part
        return " ".join(upload.destination_id for upload in needed.uploads)

    assert receivers() == "vault cloud"
    assert receivers(end=1019) == "cloud"
    # What a film shows may be older than its arrival.
    assert receivers(end=1041) == "nas vault cloud"
    assert receivers(number=1) == receivers(role=Role.WHOLE) == "nas vault cloud"
    progress.note("review", "cloud", ((1000, 1041),))
    progress.note("review", "vault", ((1000, 1041),))
    # It was planned before the last of them had it.
    assert receivers() == "nas vault cloud"


def test_gaps_that_parts_must_fill() -> None:
    """Most are shorter than a second, where each second has a keyframe."""
    progress = LiveProgress()
    progress.note("review", "nas", ((1000, 1020), (1020.7, 1041)))
    assert progress.until("review", ("nas",), 1001) == 1019
    # A picture that is behind the end of a take by no more than any picture is.
    progress.note("review", "nas", ((1041.2, 1050),))
    assert progress.until("review", ("nas",), 1021) == 1049


def test_a_film_with_many_gaps_costs_no_more() -> None:
    """What is noted with each write is what is new, whatever was before."""
    shown, progress = Shown(), LiveProgress()
    for number in range(0, 20_000, 10):
        found = chunks(begin=number, end=number + 5)
        shown.add(Batch(chunks=tuple(found), is_jump=True))
        assert len(shown.newest) <= 10
        progress.note("review", "nas", shown.newest)

    assert len(shown.held) == 2000
    assert progress.until("review", ("nas",), 1001) == 1003
    assert progress.until("review", ("nas",), 20_991) == 20_993
    Moment.compared = 0
    progress.note("review", "nas", ((Moment(20_994), Moment(20_999)),))
    assert 0 < Moment.compared < 100
    assert progress.until("review", ("nas",), 20_991) == 20_998
    # Another take, another clock: what is between two spans, before all, and again.
    whole = LiveProgress()
    for span in ((10, 20), (30, 40), (50, 60), (19, 31), (1, 2), (50, 70), (2, 10)):
        whole.note("review", "nas", (span,))
    assert whole.until("review", ("nas",), 1) == 39
    assert whole.until("review", ("nas",), 50) == 69


def test_progress_of_many_reviews_takes_no_memory() -> None:
    """The oldest is forgotten."""
    progress = LiveProgress()
    for number in range(1500):
        progress.note(f"review{number}", "nas", ((0, 100),))

    assert progress.until("review0", ("nas",), 5) == 5
    assert progress.until("review1499", ("nas",), 5) == 99


def test_a_fragment_is_what_it_says() -> None:
    """The films of these tests are whole."""
    init, *film = islice(messages(), 12)
    assert all(isinstance(each, LiveFragment) for each in film)
    data = init.data + b"".join(each.data for each in film)
    assert look_at_bytes(data).size == len(data)
