"""The chaos itself: its plan can be repeated, and its judge is not blind."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
import hashlib
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from .arrivals import Kind as ItemKind
from .chaos.evidence import Evidence, Verdict
from .chaos.folder import Folder
from .chaos.plan import AT_ONCE, AWAY, LONG, LONGEST, SHORTEST, Card, Kind, make_plan
from .chaos.watching import Outage, Shown, wrongly_protected
from .frigate import Frigate, FrigateServer, live

NOW = 1795337000.0
ZONE = ZoneInfo("Europe/Berlin")
WELL = Verdict(live_snapshots=1, snapshots=1, recordings=1)
CARDS = [Card(kind, f"target {number % 7}") for number, kind in enumerate(Kind)]


@pytest.mark.parametrize("seed", range(5))
def test_plan(seed: int) -> None:
    """Never too much at once, nothing twice at the same, and all has its turn."""
    plan = make_plan(CARDS, seconds=600, seed=seed)
    assert plan == make_plan(CARDS, seconds=600, seed=seed)
    assert plan != make_plan(CARDS, seconds=600, seed=seed + 1)
    assert {fault.card.kind for fault in plan} == set(Kind)
    for fault in plan:
        shortest, longest = LONG if fault.card.kind in AWAY else (SHORTEST, LONGEST)
        assert shortest <= fault.seconds <= longest
        assert fault.at < 600
        others = [
            other
            for other in plan
            if other is not fault and other.at <= fault.at < other.at + other.seconds
        ]
        assert len(others) < AT_ONCE
        assert fault.card.target not in {other.card.target for other in others}
    assert all(one.at < other.at for one, other in pairwise(plan))


class Scene:
    """A Frigate with one visit long ago, and a folder with all that came of it."""

    def __init__(self, folder: Path) -> None:
        """Let the visit happen, and put its three files into place."""
        self.now = NOW
        self.frigate = Frigate(("front_door",), clock=lambda: self.now, seed=1)
        server = FrigateServer(self.frigate)
        self.journal = server.journal
        self.heard = True
        self.evidence = Evidence(
            self.frigate, server, ZONE, heard=lambda _moment: self.heard
        )
        self.frigate.connect()
        images: list[bytes] = []
        self.frigate.listeners.append(
            lambda topic, payload, _retain: (
                images.append(payload) if topic.endswith("/snapshot") else None
            )
        )
        tracked = self.frigate.begin_object("front_door")
        self.frigate.confirm_object(tracked)
        review = self.frigate.begin_review([tracked])
        assert review is not None
        self.now += 10
        self.frigate.see_activity(review, tracked)
        self.frigate.end_object(tracked)
        self.frigate.end_review(review)
        self.now += 60
        self.folder = folder
        self.reader = Folder(folder)
        begin, end = int(NOW) - 5, int(NOW) + 15
        self.clip = self.serve_clip(begin, end)
        picture = self.frigate.object_picture(tracked)
        assert picture is not None
        self.journal.remember(f"/api/events/{tracked.id}/snapshot.jpg", picture)
        contents = {
            ItemKind.LIVE_SNAPSHOT: images[0],
            ItemKind.SNAPSHOT: picture,
            ItemKind.RECORDING: self.clip,
        }
        must, _ = self.evidence.items()
        self.paths = {item.kind: folder / item.path(ZONE) for item in must}
        for kind, path in self.paths.items():
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(contents[kind])

    def serve_clip(self, begin: int, end: int) -> bytes:
        """Return a clip of that range, as if Frigate had served it."""
        pieces = self.frigate.clip("front_door", begin, end)
        clip = self.frigate.video.clip("front_door", pieces, plain=False)
        self.journal.remember(f"/api/front_door/start/{begin}/end/{end}/clip.mp4", clip)
        return clip

    def beside(self, kind: ItemKind, suffix: str) -> Path:
        """Return the path of another file of that item."""
        path = self.paths[kind]
        return path.with_name(f"{path.stem}-{suffix}{path.suffix}")

    def judge(self) -> Verdict:
        """Judge what lies in the folder."""
        return self.evidence.judge(self.reader.files(), "nas")


@pytest.fixture(name="scene")
def fixture_scene(tmp_path: Path) -> Scene:
    """Return a scene in which all is well."""
    return Scene(tmp_path)


def test_all_is_well(scene: Scene) -> None:
    """Three files, each once and right."""
    assert len(scene.paths) == 3
    assert scene.judge() == WELL


@pytest.mark.parametrize("kind", ItemKind)
def test_lost(scene: Scene, kind: ItemKind) -> None:
    """A file that is missing is missed, whatever it is."""
    scene.paths[kind].unlink()
    assert len(scene.judge().lost) == 1


def test_parts_are_not_the_whole(scene: Scene) -> None:
    """A recording of which there are only parts is lost."""
    path = scene.paths[ItemKind.RECORDING]
    path.rename(scene.beside(ItemKind.RECORDING, "part001"))
    verdict = scene.judge()
    assert len(verdict.lost) == 1
    assert not verdict.doubled


def test_not_heard(scene: Scene) -> None:
    """A live snapshot that nobody could hear of is not missed, but may be there."""
    scene.heard = False
    assert scene.judge() == WELL
    scene.paths[ItemKind.LIVE_SNAPSHOT].unlink()
    assert scene.judge() == replace(WELL, live_snapshots=0)


def put_film(scene: Scene, *, plays: bool = True, at: float = NOW) -> Path:
    """Put a film beside the recording that left while it happened."""
    units = live.pictures_of("front_door", int(at))
    film = live.fragment(units[0], number=1, ticks=0, is_key=True)
    path = scene.beside(ItemKind.RECORDING, "live01")
    path.write_bytes(live.beginning() + (film + film[:50] if plays else b""))
    return path


def test_a_film_that_left_live_is_not_the_whole(scene: Scene) -> None:
    """Whatever it shows: it may be cut off anywhere."""
    put_film(scene)
    scene.paths[ItemKind.RECORDING].unlink()
    verdict = scene.judge()
    assert len(verdict.lost) == 1
    assert not verdict.doubled
    assert not verdict.corrupt


@pytest.mark.parametrize("suffix", ["live01", "live01-0001"])
@pytest.mark.parametrize(("early", "is_its"), [(2, True), (15, True), (40, False)])
def test_a_film_that_left_with_the_first_sign(
    scene: Scene, early: int, is_its: bool, suffix: str
) -> None:
    """It has a name of its own, and is its review's if that followed soon."""
    path = put_film(scene)
    moment = datetime.fromtimestamp(NOW - early, ZONE)
    name = f"{moment:%Y-%m-%d_%H-%M-%S%z}-front_door-recording-0f0f0f-{suffix}.mp4"
    path.rename(path.with_name(name))
    verdict = scene.judge()
    assert bool(verdict.doubled) == is_its
    assert bool(verdict.corrupt) != is_its


def test_a_film_of_a_sign_without_a_review(scene: Scene) -> None:
    """It may stay if Frigate does not have all that it shows: so may all its pieces."""
    moment = datetime.fromtimestamp(NOW - 40, ZONE)
    names = []
    for number, at in (1, NOW - 40), (2, NOW - 30):
        path = put_film(scene, at=at)
        names.append(
            f"{moment:%Y-%m-%d_%H-%M-%S%z}-front_door-recording-0f0f0f"
            f"-live01-{number:04}.mp4"
        )
        path.rename(path.with_name(names[-1]))
    verdict = scene.judge()
    assert [line.rpartition("/")[2] for line in verdict.corrupt] == [
        f"{name}: of no review" for name in names
    ]
    scene.frigate.cameras["front_door"].footage.lose(NOW - 30, NOW - 29)
    assert not scene.judge().corrupt


def test_a_film_beside_its_whole(scene: Scene) -> None:
    """It must go, unless it may show what Frigate has not."""
    path = put_film(scene)
    assert len(scene.judge().doubled) == 1
    footage = scene.frigate.cameras["front_door"].footage
    footage.lose(NOW, NOW + 5)
    assert not scene.judge().doubled
    path.unlink()
    assert not scene.judge().lost


def test_a_film_of_more_than_the_review(scene: Scene) -> None:
    """It may stay if Frigate has lost what came after the review's end, too."""
    put_film(scene, at=NOW + 60)
    scene.now += 120
    assert len(scene.judge().doubled) == 1
    scene.frigate.cameras["front_door"].footage.lose(NOW + 60, NOW + 61)
    assert not scene.judge().doubled


def test_pieces_of_a_film_stay_together(scene: Scene) -> None:
    """One that may stay keeps all of its film, and none of another."""
    for number, at in (("01-0001", 1), ("01-0002", 60), ("02-0001", 3)):
        path = put_film(scene, at=NOW + at)
        path.rename(scene.beside(ItemKind.RECORDING, f"live{number}"))
    scene.now += 120
    scene.frigate.cameras["front_door"].footage.lose(NOW + 60, NOW + 61)
    (line,) = scene.judge().doubled
    assert "live02-0001" in line
    assert "live01" not in line


def test_a_film_of_before_the_review(scene: Scene) -> None:
    """It may stay: Frigate's clock was set back while it left."""
    path = put_film(scene, at=NOW - 7)
    assert not scene.judge().doubled
    path.unlink()
    put_film(scene, at=NOW - 5)
    assert len(scene.judge().doubled) == 1


def test_a_film_of_what_came_late(scene: Scene) -> None:
    """It may stay if Frigate had none of it when it was asked for it."""
    footage = scene.frigate.cameras["front_door"].footage
    put_film(scene, at=NOW + 13)
    assert len(scene.judge().doubled) == 1
    footage.be_late(NOW + 12, NOW + 60, until=scene.now + 5)
    clip = scene.serve_clip(int(NOW) - 5, int(NOW) + 15)
    scene.paths[ItemKind.RECORDING].write_bytes(clip)
    scene.now += 60
    assert not scene.judge().doubled


def test_a_film_of_a_short_last_segment(scene: Scene) -> None:
    """It may stay: it can't be known whether the whole has that segment."""
    pieces = scene.frigate.clip("front_door", int(NOW) - 5, int(NOW) + 15)
    border = pieces[-1].start
    for length, doubled in ((2, 0), (3, 1)):
        whole = scene.serve_clip(int(NOW) - 5, border + length)
        scene.paths[ItemKind.RECORDING].write_bytes(whole)
        path = put_film(scene, at=border + 1)
        assert len(scene.judge().doubled) == doubled
        path.unlink()


def test_stills_that_left_live(scene: Scene) -> None:
    """They are pictures that Frigate served, and may stay: what they show isn't seen."""
    path = scene.beside(ItemKind.RECORDING, "live01-0001").with_suffix(".jpg")
    path.write_bytes(b"a picture")
    assert len(scene.judge().corrupt) == 1
    scene.journal.remember("/api/front_door/latest.jpg?height=720", b"a picture")
    assert scene.judge() == WELL


def test_a_part_behind_a_hole(scene: Scene) -> None:
    """It may stay: it can't be known whether the whole holds it."""
    footage = scene.frigate.cameras["front_door"].footage
    footage.lose(NOW + 2, NOW + 3)
    whole = scene.serve_clip(int(NOW) - 5, int(NOW) + 15)
    scene.paths[ItemKind.RECORDING].write_bytes(whole)
    for number, (begin, end) in enumerate(((-5, 0), (10, 15)), 1):
        path = scene.beside(ItemKind.RECORDING, f"part{number:03}")
        path.write_bytes(scene.serve_clip(int(NOW) + begin, int(NOW) + end))
    (line,) = scene.judge().doubled
    assert "part001" in line
    assert "part002" not in line


def test_a_film_without_a_picture(scene: Scene) -> None:
    """It is of no use."""
    put_film(scene, plays=False)
    assert len(scene.judge().corrupt) == 1


@pytest.mark.parametrize("suffix", ["part001", "02", "incomplete"])
def test_doubled(scene: Scene, suffix: str) -> None:
    """A second file of a recording that is there is one too many."""
    scene.beside(ItemKind.RECORDING, suffix).write_bytes(scene.clip)
    assert len(scene.judge().doubled) == 1


def _cut(data: bytes) -> bytes:
    return data[:-100]


def _change(data: bytes) -> bytes:
    return data[:-100] + hashlib.sha256(data).digest() + data[-68:]


@pytest.mark.parametrize("kind", ItemKind)
@pytest.mark.parametrize("spoil", [_cut, _change, lambda _: b""])
def test_corrupt(scene: Scene, kind: ItemKind, spoil: Callable[[bytes], bytes]) -> None:
    """Other bytes than Frigate's are found, though the name is right."""
    path = scene.paths[kind]
    path.write_bytes(spoil(path.read_bytes()))
    assert len(scene.judge().corrupt) == 1


def test_half_a_recording(scene: Scene) -> None:
    """Bytes that Frigate served, and yet not the whole review."""
    clip = scene.serve_clip(int(NOW) - 5, int(NOW) + 3)
    scene.paths[ItemKind.RECORDING].write_bytes(clip)
    assert len(scene.judge().corrupt) == 1


def test_another_name(scene: Scene) -> None:
    """A file that is called by another time is not where it belongs."""
    path = scene.paths[ItemKind.RECORDING]
    path.rename(path.with_name(path.name.replace("-43-", "-44-", 1)))
    assert len(scene.judge().corrupt) == 1


@pytest.mark.parametrize(
    "name",
    [".0123456789abcdef.tmp", "frigate-snap-sync-check-00", "0123456789abcdef.tmp"],
)
def test_unfinished(scene: Scene, name: str) -> None:
    """What an upload or a test left behind is found."""
    (scene.folder / name).write_bytes(b"")
    assert len(scene.judge().unfinished) == 1


def test_stranger(scene: Scene) -> None:
    """A file of which Frigate knows nothing is reported."""
    stranger = scene.folder / "2026-11-22_09-43-20+0100-garden-recording-abcdef.mp4"
    stranger.write_bytes(scene.clip)
    assert len(scene.judge().corrupt) == 1


def test_no_footage(scene: Scene) -> None:
    """A review without any footage is not missed."""
    scene.paths[ItemKind.RECORDING].unlink()
    scene.frigate.cameras["front_door"].footage.lose(NOW - 60, NOW + 60)
    assert scene.judge() == Verdict(live_snapshots=1, snapshots=1)


# Footage that Frigate lost on purpose


def put_parts(scene: Scene) -> dict[str, Path]:
    """Put two parts beside the recording; what they hold meets in the middle."""
    paths = {}
    for number, (begin, end) in enumerate(((-5, 5), (5, 15)), 1):
        path = scene.beside(ItemKind.RECORDING, f"part{number:03}")
        path.write_bytes(scene.serve_clip(int(NOW) + begin, int(NOW) + end))
        paths[f"part{number:03}"] = path
    return paths


def lose(scene: Scene, begin: int, end: int) -> None:
    """Let Frigate lose footage of the only review."""
    (review,) = scene.frigate.reviews.values()
    files = {"nas": scene.reader.files()}
    assert scene.evidence.lose(review, int(NOW) + begin, int(NOW) + end, files)


def test_parts_beside_a_whole_that_lacks_their_seconds(scene: Scene) -> None:
    """They must stay: they are the only copy. Others must not."""
    parts = put_parts(scene)
    scene.paths[ItemKind.RECORDING].unlink()
    lose(scene, -5, -1)
    scene.paths[ItemKind.RECORDING].write_bytes(
        scene.serve_clip(int(NOW) - 5, int(NOW) + 15)
    )
    assert len(scene.judge().doubled) == 1
    parts["part002"].unlink()
    assert scene.judge() == WELL
    parts["part001"].unlink()
    assert scene.judge() == replace(
        WELL, lost=[f"{name_of(parts['part001'])}: the last copy of what Frigate lost"]
    )


def name_of(path: Path) -> str:
    """Return the name of a file as it is at the destination."""
    return f"{path.parent.name}/{path.name}"


def test_parts_beside_a_whole_from_before_the_loss(scene: Scene) -> None:
    """It holds all: they have to go."""
    put_parts(scene)
    lose(scene, -5, -1)
    assert len(scene.judge().doubled) == 1


def test_parts_of_footage_that_is_lost_as_a_whole(scene: Scene) -> None:
    """Nothing will come after them, and they must stay."""
    parts = put_parts(scene)
    scene.paths[ItemKind.RECORDING].unlink()
    lose(scene, -30, 60)
    assert scene.judge() == Verdict(live_snapshots=1, snapshots=1)
    parts["part002"].unlink()
    assert len(scene.judge().lost) == 1


def test_parts_beside_an_incomplete_recording(scene: Scene) -> None:
    """They may stay if Frigate really has no more than that."""
    put_parts(scene)
    whole = scene.paths[ItemKind.RECORDING]
    incomplete = scene.beside(ItemKind.RECORDING, "incomplete")
    whole.rename(incomplete)
    assert len(scene.judge().doubled) == 1
    lose(scene, -5, -1)
    incomplete.write_bytes(scene.serve_clip(int(NOW) + 5, int(NOW) + 15))
    verdict = scene.judge()
    assert verdict.is_good
    assert verdict.recordings == 0


# What the sensor of protection shows


@pytest.mark.parametrize(
    ("shown", "outage", "count"),
    [
        # It says so in time, and is protected when it is over.
        ([(0, "protected"), (50, "at_risk"), (201, "protected")], (10, 60, 200), 0),
        # Late; too early; all the time; not at all, as no Home Assistant runs.
        ([(0, "protected"), (80, "at_risk"), (201, "protected")], (10, 60, 200), 1),
        ([(0, "protected"), (50, "at_risk"), (190, "protected")], (10, 60, 200), 1),
        ([(0, "protected")], (10, 60, 200), 1),
        ([(0, "protected"), (50, None)], (10, 60, 200), 0),
        # It is not over yet; it was short.
        ([(0, "protected")], (10, 60, None), 1),
        ([(0, "protected")], (10, 60, 60), 0),
        # Off and on.
        ([(0, "protected"), (90, None), (95, "protected")], (10, 60, 200), 2),
    ],
)
def test_wrongly_protected(
    shown: list[tuple[float, str | None]],
    outage: tuple[float, float, float | None],
    count: int,
) -> None:
    """Each time counts in which it was shown beyond the limit of an outage."""
    begin, limit, end = outage
    found = wrongly_protected(
        [Shown(*one) for one in shown],
        [Outage("Frigate away", begin, limit, end)],
        now=300,
    )
    assert len(found) == count
