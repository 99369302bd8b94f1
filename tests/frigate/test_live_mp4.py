"""Live film in memory and in files that were cut off anywhere."""

from pathlib import Path
import random
import struct

import pytest

from custom_components.frigate_snap_sync.frigate.errors import MediaBroken
from custom_components.frigate_snap_sync.frigate.live_mp4 import (
    LiveFragment,
    last_picture,
    look_at_bytes,
    look_at_head,
    parse_fragment,
    parse_init,
)
from custom_components.frigate_snap_sync.frigate.media import check_mp4

from ..films import box
from ..harness.frigate import live
from .live_sessions import film

FILMS = ("h264_aac", "h264_pcma", "h265")


def fragments(name: str) -> list[LiveFragment]:
    """Return the fragments of a recorded film."""
    data = film(name)
    init = parse_init(data[0])
    return [parse_fragment(each, init) for each in data[1:]]


@pytest.mark.parametrize("name", FILMS)
def test_pictures_follow_each_other(name: str) -> None:
    """Pictures follow each other."""

    pictures = [each.pictures for each in fragments(name) if each.pictures is not None]

    assert [each.start for each in pictures[1:]] == pytest.approx(
        [each.end for each in pictures[:-1]]
    )
    assert [each.start for each in pictures if each.is_keyframe] == pytest.approx(
        [0, 1.93], abs=0.01
    )


@pytest.mark.parametrize(("name", "has_sound"), zip(FILMS, (1, 1, 0), strict=True))
def test_sound_has_no_pictures(name: str, has_sound: int) -> None:
    """Sound has no pictures."""

    sound = [each for each in fragments(name) if each.pictures is None]

    assert bool(sound) == has_sound


@pytest.mark.parametrize("name", FILMS)
def test_a_file_cut_at_any_byte_holds_its_whole_fragments(name: str) -> None:
    """A file cut at any byte holds its whole fragments."""

    data = b"".join(film(name))
    ends = [len(film(name)[0])]
    for each in film(name)[1:]:
        ends.append(ends[-1] + len(each))
    rand = random.Random(1)
    first = ends[1]
    for cut in [first, len(data), *rand.sample(range(first, len(data)), 60)]:
        found = look_at_bytes(data[:cut])
        assert found.size == max(end for end in ends if end <= cut)
        assert 0 < found.duration <= 2.5


@pytest.mark.parametrize("cut", [0, 4, 100, 700, 1200])
def test_a_file_without_a_picture_holds_nothing(cut: int) -> None:
    """A file without a picture holds nothing."""

    with pytest.raises(MediaBroken):
        look_at_bytes(b"".join(film("h265"))[:cut])


def test_what_does_not_belong_into_a_live_file_ends_it() -> None:
    """What does not belong into a live file ends it."""

    data = b"".join(film("h265")[:4])

    assert look_at_bytes(data + box(b"junk", bytes(100))).size == len(data)
    assert look_at_bytes(data + film("h265")[0]).size == len(data)
    assert look_at_bytes(data + b"\0\0\0\x01moof").size == len(data)


@pytest.mark.parametrize("name", FILMS)
def test_the_two_ends_of_a_file_tell_how_long_it_plays(name: str) -> None:
    """Wherever it was cut off, and wherever what is read of its end begins."""

    data = b"".join(film(name))
    first = len(data[: data.index(b"moof")]) + len(film(name)[1])
    rand = random.Random(2)
    for cut in [first, len(data), *rand.sample(range(first, len(data)), 60)]:
        head = look_at_head(data[: min(cut, 100_000)], size=cut)
        assert head is not None
        newest = data[:cut].rfind(b"moof", 0, look_at_bytes(data[:cut]).size) - 4
        for begin in (0, rand.randrange(max(newest - 200_000, 1))):
            end = last_picture(data[begin:cut], head)
            assert end is not None
            assert end - head.start == pytest.approx(look_at_bytes(data[:cut]).duration)


def test_what_lies_behind_the_last_picture_is_passed_over() -> None:
    """Sound, the half of a picture, zeros of a disk that lost power, and odd bytes."""

    found = fragments("h264_aac")
    sound = next(each for each in found if each.pictures is None)
    last = max(n for n, each in enumerate(found) if each.pictures is not None)
    pictures = found[last]
    data = film("h264_aac")[0] + b"".join(each.data for each in found[:last])
    moof = pictures.data[: pictures.data.index(b"mdat") - 4]
    head = look_at_head(data, size=len(data))
    assert head is not None
    end = last_picture(data, head)
    for rest in (
        sound.data,
        pictures.data[:-1],
        pictures.data[:50],
        moof + box(b"mdat", b"short"),
        bytes(5000),
        b"moof",
        b"\0\0\0\x10moof" * 3,
        box(b"moof", b"odd") + box(b"mdat", b"odd"),
        struct.pack(">I", 2**31) + b"moof",
    ):
        assert last_picture(data + rest, head) == end
    end = last_picture(data + pictures.data, head)
    assert end is not None
    assert pictures.pictures is not None
    assert end == pytest.approx(pictures.pictures.end)
    assert last_picture(box(b"moof", bytes(8)) * 5000, head) is None
    assert last_picture(data + b"\0\0\0\x10moof" * 5000, head) is None, "no end"
    assert last_picture(b"", head) is None


@pytest.mark.parametrize("cut", [0, 4, 100, 700, 1200])
def test_the_head_of_a_file_without_a_picture(cut: int) -> None:
    """It is certain that nothing plays."""

    data = b"".join(film("h265"))[:cut]
    with pytest.raises(MediaBroken):
        look_at_head(data, size=cut)


def test_a_disk_that_lost_power() -> None:
    """There are zeros where the first picture should be: nothing plays."""
    init = film("h265")[0]
    for data in (bytes(5000), init + bytes(5000), init + bytes(7)):
        with pytest.raises(MediaBroken):
            look_at_head(data, size=len(data))


def test_a_head_that_tells_nothing() -> None:
    """Too little of it was read, or it is no beginning of a live film."""

    data = b"".join(film("h265"))
    init, first = film("h265")[:2]
    size = len(data)
    for cut in (100, len(init) + 4, len(init) + 20):
        assert look_at_head(data[:cut], size=size) is None
    for odd in (
        b"theirs",
        box(b"junk", bytes(100)) + data,
        first + data,
        init + data,
        init + box(b"moof", b"odd") + box(b"mdat", b"odd"),
        box(b"ftyp") + box(b"moov", b"odd") + first,
        # Another kind of MP4, with its index in front or behind.
        init + box(b"mdat", bytes(100)),
        box(b"ftyp", bytes(8)) + box(b"free") + box(b"mdat", bytes(100)) + init,
        box(b"ftyp", bytes(8)) + struct.pack(">I4sQ", 1, b"mdat", 100) + bytes(84),
        init + first[: first.index(b"mdat") - 4] + box(b"mdat", bytes(3)) + first,
    ):
        assert look_at_head(odd * 2, size=2 * len(odd)) is None


def test_an_index_without_end_is_no_film() -> None:
    """It is walked on the loop, and a file with it could not be looked at later."""
    init, picture = film("h265")[:2]
    free = box(b"free", bytes(1024 * 1024))

    def swollen(data: bytes, kind: bytes) -> bytes:
        at = data.index(kind) - 4
        (size,) = struct.unpack_from(">I", data, at)
        end = at + size
        return data[:at] + box(kind, data[at + 8 : end] + free) + data[end:]

    for broken in (swollen(init, b"moov"), init):
        with pytest.raises(MediaBroken, match="too large"):
            parse_fragment(swollen(picture, b"moof"), parse_init(broken))


def test_the_check_of_whole_films_refuses_a_live_one(tmp_path: Path) -> None:
    """That is why this one is needed."""
    path = tmp_path / "live.mp4"
    path.write_bytes(b"".join(film("h265")))

    with pytest.raises(MediaBroken, match="mfra"):
        check_mp4(path)


def test_the_simulated_film_plays_and_tells_its_moments() -> None:
    """The simulated film plays and tells its moments."""

    init = parse_init(live.beginning())
    units = live.pictures_of("front_door", 1_764_000_000)
    parts = [
        live.fragment(
            unit, number=number + 1, ticks=9000 * number, is_key=not number, size=9000
        )
        for number, unit in enumerate(units)
    ]
    data = b"".join([init.data, *parts])

    assert {len(part) for part in parts} == {9108}
    assert live.moments(data) == [1_764_000_000 + n / 10 for n in range(10)]
    assert look_at_bytes(data).duration == pytest.approx(1)
    assert live.moments(data[:-5000])[-1] == 1_764_000_000.8
