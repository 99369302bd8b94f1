"""The chaos itself: its plan can be repeated, and its judge is not blind."""

from collections.abc import Callable
import hashlib
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from .arrivals import Kind as ItemKind
from .chaos.evidence import Evidence, Folder, Verdict
from .chaos.plan import AT_ONCE, LONGEST, SHORTEST, Card, Kind, make_plan
from .frigate import Frigate, FrigateServer

NOW = 1795337000.0
ZONE = ZoneInfo("Europe/Berlin")
WELL = Verdict(snapshots=2, recordings=1)
CARDS = [Card(kind, f"target {number % 7}") for number, kind in enumerate(Kind)]


@pytest.mark.parametrize("seed", range(5))
def test_plan(seed: int) -> None:
    """Never too much at once, nothing twice at the same, and all has its turn."""
    plan = make_plan(CARDS, seconds=600, seed=seed)
    assert plan == make_plan(CARDS, seconds=600, seed=seed)
    assert plan != make_plan(CARDS, seconds=600, seed=seed + 1)
    assert {fault.card.kind for fault in plan} == set(Kind)
    for fault in plan:
        assert SHORTEST <= fault.seconds <= LONGEST
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
        self._reader = Folder(folder)
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
        return self.evidence.judge(self._reader.files())


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
    assert scene.judge() == Verdict(snapshots=1, recordings=1)


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
    stranger = scene.folder / "RecordingClip-garden-2026-11-22_09-43-20+0100-abcdef.mp4"
    stranger.write_bytes(scene.clip)
    assert len(scene.judge().corrupt) == 1


def test_no_footage(scene: Scene) -> None:
    """A review without any footage is not missed."""
    scene.paths[ItemKind.RECORDING].unlink()
    scene.frigate.cameras["front_door"].footage.lose(NOW - 60, NOW + 60)
    assert scene.judge() == Verdict(snapshots=2)
