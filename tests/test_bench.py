"""The bench measures what it says: its arithmetic, its link, its large files."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO
from pathlib import Path
import sqlite3
import subprocess
import sys
import time

import av
import pytest

from bench import stores, targets
from bench.app import main
from bench.child import BenchFailed, run_probe, run_service
from bench.context import Context
from bench.follow import follow
from bench.frigate_service import padded
from bench.history import multiply
from bench.live import Films, check_arrived, live
from bench.measure import Delay, delay_during
from bench.peers import run_command
from bench.race import compared, loop_rows, race
from bench.report import Row, Wanted, missed, spread_row, table, write_into
from bench.rig import new_image
from bench.runs import Run
from bench.stats import Spread, differences, percentile, ratios
from bench.transfers import MIB, Contender, Load, Name
from custom_components.frigate_snap_sync.frigate.media import check_jpeg, check_mp4
from custom_components.frigate_snap_sync.sync.ledger import (
    Ledger,
    destinations,
    items,
    outcomes,
)
from custom_components.frigate_snap_sync.sync.model.item import live_snapshot_item
from custom_components.frigate_snap_sync.sync.model.plans import (
    FilePlan,
    FileState,
    UploadPlan,
)

from .harness.frigate.footage import Piece
from .harness.frigate.video import Video
from .harness.network import HOST, Network, Way
from .waiting import until

ROUND_TRIP = 0.05
RATE = 2e6
QUEUE = 50_000


# Arithmetic


def test_spread() -> None:
    """Median and quartiles, also of a single value."""
    assert Spread.of([5]) == Spread(median=5, low=5, high=5)
    assert Spread.of([9, 1, 3, 5, 7]) == Spread(median=5, low=3, high=7)


@pytest.mark.parametrize(
    ("share", "expected"), [(0, 1), (0.5, 50), (0.99, 99), (0.991, 100), (1, 100)]
)
def test_percentile(share: float, expected: float) -> None:
    """Of a hundred values."""
    assert percentile(range(100, 0, -1), share) == expected


def test_round_by_round() -> None:
    """Each round is compared with itself; rounds that are missing are no rounds."""
    assert ratios([4, 9], [2, 3]) == [2, 3]
    assert differences([4, 9], [2, 3]) == [2, 6]
    with pytest.raises(ValueError, match="shorter"):
        ratios([1, 2], [1])


@pytest.mark.parametrize(
    ("wanted", "met", "not_met", "text"),
    [
        (Wanted.at_least(1.5), 1.5, 1.499, "≥ 1.5"),
        (Wanted.at_most(5, "ms"), 5, 5.001, "≤ 5 ms"),
        (Wanted.exactly(1), 1, 0, "= 1"),
    ],
)
def test_wanted(wanted: Wanted, met: float, not_met: float, text: str) -> None:
    """The limit itself is fine."""
    assert wanted.is_met(met)
    assert not wanted.is_met(not_met)
    assert str(wanted) == text


def _row(value: float, wanted: Wanted | None) -> Row:
    return spread_row("Case", "figure", [value], wanted=wanted)


def test_table() -> None:
    """What is missed is told; what nothing is wanted of is neither."""
    rows = [_row(1, None), _row(2, Wanted.at_least(2)), _row(3, Wanted.at_most(2))]
    assert missed(rows) == [rows[2]]
    lines = table(rows).splitlines()
    assert len({len(line) for line in lines}) == 1
    verdicts = [line.split("|")[-2].strip() for line in lines[2:]]
    assert verdicts == ["", "met", "NOT MET"]
    assert missed([Row(case="Case", figure="figure", wanted=Wanted.at_least(1))])


def test_spread_row() -> None:
    """The median is judged, and the quartiles shown."""
    row = spread_row("Case", "figure", [1, 2, 30], unit="ms", wanted=Wanted.at_most(2))
    assert row.result == "2.00 ms [1.50–16.00]"
    assert row.is_met


def test_write_into(tmp_path: Path) -> None:
    """Only what lies between the marks is replaced; a page must have them."""
    page = tmp_path / "page.md"
    page.write_text("Before\n<!-- results -->old<!-- end of results -->\nafter\n")
    for text in ("first", "second"):
        write_into(page, text)
    assert page.read_text() == (
        "Before\n<!-- results -->\n\nsecond\n\n<!-- end of results -->\nafter\n"
    )
    page.write_text("Before <!-- results --> after")
    with pytest.raises(ValueError, match="no marks"):
        write_into(page, "third")


@pytest.mark.parametrize(
    "arguments",
    [["--only", "big,nonsense"], ["--only", "big", "--write", "x"], ["--rounds", "0"]],
)
def test_arguments(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """What can't be is refused, before anything is measured."""
    with pytest.raises(SystemExit):
        main(arguments)
    assert "error" in capsys.readouterr().err


# The race


def _contender(name: Name, load: Load, seconds: float, seen: list[Path]) -> Contender:
    async def send(target: Path) -> Run:
        assert not list(target.iterdir())
        (target / "file").touch()
        seen.append(target)
        delay = Delay(p50=2 * seconds, p99=3 * seconds, max=4 * seconds)
        idle = Delay(p50=1, p99=1, max=1)
        return Run(
            seconds=seconds, cpu=1, cold_seconds=2 * seconds, delay=delay, idle=idle
        )

    return Contender(name=name, load=load, send=send)


async def test_race(tmp_path: Path) -> None:
    """All take part in each round; who sends fewer files is compared by the file."""
    many = Load.make(tmp_path / "many", files=8, size=3)
    few = Load.make(tmp_path / "few", files=4, size=3)
    assert (many.files, many.size) == (8, 24)
    seen: list[Path] = []
    contenders = [
        _contender(Name.OURS, many, 2, seen),
        _contender(Name.SFTP, many, 3, seen),
        _contender(Name.RCLONE, few, 3, seen),
        _contender(Name.ASYNCSSH, many, 20, seen),
    ]
    target = tmp_path / "target"
    results = await race(
        contenders, rounds=3, folder=target, say=lambda _: None, case="Case"
    )
    assert seen == [target] * 12
    assert not target.exists()
    wanted = {Name.SFTP: Wanted.at_least(1.5), Name.RCLONE: Wanted.at_least(3.1)}
    rows = list(compared("Case", contenders, results, wanted=wanted))
    assert [(row.value, row.is_met) for row in rows] == [
        (2, None),
        (1.5, True),
        (3, False),
        (10, None),
    ]
    assert "4 files" in rows[2].figure
    delays = {row.figure: row for row in loop_rows("Case", results)}
    assert [row.value for row in delays.values()] == [3, 5, 7, 0.1]
    assert [row.wanted for row in delays.values()] == [
        targets.DELAY_P50,
        targets.DELAY_P99,
        None,
        targets.DELAY_RATIO,
    ]


def test_run_survives_the_pipe() -> None:
    """What a probe tells of is what it measured."""
    delay = Delay(p50=1, p99=2, max=3)
    for run in (
        Run(seconds=1, cpu=2),
        Run(seconds=1, cpu=2, cold_seconds=3, delay=delay, idle=delay),
    ):
        assert Run.from_json(run.to_json()) == run


# Measuring


async def test_delay() -> None:
    """Somebody who blocks the loop is seen."""

    async def block() -> None:
        await asyncio.sleep(0.01)
        time.sleep(0.05)  # noqa: ASYNC251
        await asyncio.sleep(0.01)

    assert (await delay_during(block)).max > 40


def test_memory_peak() -> None:
    """What was freed before the end counts, too."""
    # In a process of its own: what this one has freed it would use again.
    script = (
        "from bench.measure import MemoryPeak\n"
        "peak = MemoryPeak()\n"
        "data = bytearray(b'x') * (32 << 20)\n"
        "del data\n"
        "print(peak.growth())\n"
    )
    growth = int(subprocess.check_output([sys.executable, "-c", script], timeout=60))
    assert 30 << 20 < growth < 40 << 20


async def test_command(tmp_path: Path) -> None:
    """A command's CPU time is told, and those of what it starts; its home is ours."""
    work = "import os; assert os.environ['HOME'] == '{}'; sum(range(10**7))"
    script = f'"{sys.executable}" -c "{work.format(tmp_path)}"; true'
    log = tmp_path / "log"
    run = await run_command(["sh", "-c", script], home=tmp_path, timeout=30, log=log)
    assert 0.02 < run.cpu < run.seconds + 0.1


@pytest.mark.parametrize(
    ("script", "timeout", "reason"),
    [
        ("echo broken >&2; exit 3", 30, "ended with 3:\nbroken"),
        ("sleep 60", 0.2, "0.2"),
    ],
)
async def test_command_fails(
    tmp_path: Path, script: str, timeout: float, reason: str
) -> None:
    """One that fails, or hangs, is no measurement."""
    begin = time.monotonic()
    with pytest.raises(BenchFailed, match=reason):
        await run_command(
            ["sh", "-c", script], home=tmp_path, timeout=timeout, log=tmp_path / "log"
        )
    assert time.monotonic() - begin < 20


async def test_probe_fails(tmp_path: Path) -> None:
    """The last words of a probe that dies are told."""
    with pytest.raises(BenchFailed, match="KeyError: 'sender'"):
        await run_probe("senders", {}, folder=tmp_path, timeout=30)


# The link


@asynccontextmanager
async def _echo() -> AsyncIterator[int]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, HOST, 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@asynccontextmanager
async def _link() -> AsyncIterator[int]:
    async with (
        _echo() as port,
        Network(port, there=_way(), back=_way()) as network,
        asyncio.timeout(20),
    ):
        yield network.port


def _way() -> Way:
    return Way(rate=RATE, delay=ROUND_TRIP / 2, queue=QUEUE)


@pytest.mark.usefixtures("socket_enabled")
async def test_link_delays() -> None:
    """Each exchange takes a round trip, the first also that of the handshake."""
    async with _link() as port:
        reader, writer = await asyncio.open_connection(HOST, port)
        times = []
        for _ in range(6):
            begin = time.monotonic()
            # Small pieces are not held back to be sent together.
            for piece in (b"a", b"b", b"c"):
                writer.write(piece)
                await asyncio.sleep(0)
            assert await reader.readexactly(3) == b"abc"
            times.append(time.monotonic() - begin)
        writer.write_eof()
        assert await reader.read() == b""
        writer.close()
    assert times[0] >= 2 * ROUND_TRIP
    assert ROUND_TRIP <= min(times) < ROUND_TRIP + 0.03


@pytest.mark.usefixtures("socket_enabled")
async def test_link_is_shared() -> None:
    """All connections together get the rate of the link, and no byte is lost."""
    data = bytes(range(256)) * 1000

    async def send() -> None:
        reader, writer = await asyncio.open_connection(HOST, port)
        writer.write(data)
        writer.write_eof()
        assert await reader.read() == data
        writer.close()

    async with _link() as port:
        begin = time.monotonic()
        await asyncio.gather(send(), send(), send())
        seconds = time.monotonic() - begin
    assert seconds >= 3 * len(data) / RATE


@pytest.mark.usefixtures("socket_enabled")
async def test_link_without_server() -> None:
    """A connection to a port where no server listens is reset."""
    async with _echo() as port:
        pass
    way = Way(delay=0.001)
    async with Network(port, there=way, back=way) as network, asyncio.timeout(10):
        reader, writer = await asyncio.open_connection(HOST, network.port)
        with pytest.raises(ConnectionResetError):
            await reader.read()
        writer.close()


@pytest.mark.usefixtures("socket_enabled")
async def test_link_is_cut() -> None:
    """Exactly so many bytes get through before the connection is reset."""
    arrived = b""
    ended = asyncio.Event()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal arrived
        try:
            while data := await reader.read(65536):
                arrived += data
        except ConnectionResetError:
            ended.set()
        writer.close()

    async with (
        await asyncio.start_server(take, HOST, 0) as server,
        Network(server.sockets[0].getsockname()[1]) as network,
        asyncio.timeout(10),
    ):
        network.cut_after(300_000)
        reader, writer = await asyncio.open_connection(HOST, network.port)
        writer.write(bytes(1_000_000))
        with pytest.raises(ConnectionResetError):
            await reader.read()
        await ended.wait()
        assert len(arrived) <= 300_000
        assert network.passed <= 300_000
        reader, writer = await asyncio.open_connection(HOST, network.port)
        writer.write(bytes(1_000_000))
        await until(lambda: network.passed > 1_000_000)
        writer.close()


@pytest.mark.usefixtures("socket_enabled")
async def test_link_as_a_service(tmp_path: Path) -> None:
    """The link runs in a process of its own, and ends when it is told to."""
    async with _echo() as port:
        job = {"rate": RATE, "delay": 0.001, "is_shared": False, "ports": [port]}
        async with run_service("link", job, folder=tmp_path) as service:
            own_port = service.ready["ports"][0]
            reader, writer = await asyncio.open_connection(HOST, own_port)
            writer.write(b"x")
            assert await reader.readexactly(1) == b"x"
            writer.close()
            assert await service.end() == {}
        with pytest.raises(OSError):
            await asyncio.open_connection(HOST, own_port)


# What is sent


def test_large_clip(tmp_path: Path) -> None:
    """A padded clip has the size, is whole, and shows what it showed before."""
    clip = Video().clip("front_door", [Piece(start=0, end=4)], plain=False)
    size = 3_000_001
    large = padded(clip, size)
    assert len(large) == size
    assert padded(clip, 10) == clip
    (tmp_path / "large.mp4").write_bytes(large)
    (tmp_path / "clip.mp4").write_bytes(clip)
    assert check_mp4(tmp_path / "large.mp4") == check_mp4(tmp_path / "clip.mp4")
    assert _pictures(large) == _pictures(clip)


def _pictures(clip: bytes) -> list[bytes]:
    with av.open(BytesIO(clip), "r") as container:
        return [bytes(packet) for packet in container.demux(video=0)]


@pytest.mark.parametrize("size", [0, 100_000, 150_000])
def test_new_image(size: int) -> None:
    """Whole, of the size, and another one each time."""
    first, second = new_image(size), new_image(size)
    assert first != second
    for image in (first, second):
        check_jpeg(image)
        assert size <= len(image) <= max(size, 20_000) + 100


@pytest.mark.parametrize("size", [0, 1000])
async def test_history(tmp_path: Path, size: int) -> None:
    """A multiplied ledger is a sound one, and can be gone on with."""
    template, target = tmp_path / "template.db", tmp_path / "target.db"
    await _write_template(template)
    multiply(template, target, items=size)
    connection = sqlite3.connect(target)
    for table_name in ("items", "files", "uploads"):
        (count,) = connection.execute(
            f"SELECT COUNT(*) FROM {table_name}"  # noqa: S608
        ).fetchone()
        assert count == size + 2
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    oldest, newest = connection.execute(
        "SELECT MIN(reported_at), MAX(reported_at) FROM items"
    ).fetchone()
    assert newest <= time.time()
    assert time.time() - oldest < 89 * 86400
    (wrong,) = connection.execute(
        "SELECT COUNT(*) FROM uploads JOIN files ON files.id = file_id"
        " JOIN items ON items.id = uploads.item_id"
        " WHERE files.item_id != items.id OR uploads.state != 'verified'"
        " OR path NOT LIKE '%.jpg'"
    ).fetchone()
    assert wrong == 0
    connection.close()
    await _write(target, "another")


async def _write_template(path: Path) -> None:
    for label in ("person", "car"):
        await _write(path, label)


async def _write(path: Path, label: str) -> None:
    """Keep a live snapshot that has arrived."""
    ledger = Ledger(path)
    await ledger.open()
    now = time.time()
    await ledger.run(destinations.keep_destinations, ("nas",), now=now)
    item = live_snapshot_item("front_door", label, f"{label:0>64}", received=now)
    plan = FilePlan(
        state=FileState.SPOOLED,
        uploads=(
            UploadPlan(destination_id="nas", path=f"day/live-snapshot-{label}.jpg"),
        ),
        spool_name=f"{label}.jpg",
        size=1,
        sha256="",
    )
    assert await ledger.run(items.plan, item, (plan,))
    (upload_id,) = await ledger.run(
        lambda connection: connection.execute("SELECT MAX(id) FROM uploads").fetchone()
    )
    arrival = await ledger.run(outcomes.verified, upload_id, size=1, now=now)
    assert arrival.freed == (f"{label}.jpg",)
    await ledger.close()


# Stores


@pytest.mark.usefixtures("socket_enabled")
async def test_stores(tmp_path: Path) -> None:
    """Each contender stores all of it, and is compared with ours."""
    context = Context(folder=tmp_path, rounds=1, say=lambda _: None)
    loads = stores.Loads(big=MIB, huge=0, files=3)
    rows = await stores.webdav(context, loads=loads)
    figures = [row.figure for row in rows if row.value]
    assert [figures.count(name) for name in (Name.CURL, Name.RCLONE)] == [1, 2]


# Live footage, and recordings that leave while they come


@pytest.mark.usefixtures("socket_enabled")
async def test_live(tmp_path: Path) -> None:
    """Films arrive, or nothing is said of what they cost."""
    context = Context(folder=tmp_path, rounds=1, say=lambda _: None)
    films = Films(cameras=1, bit_rate=1_000_000, seconds=1, review=0)
    rows = await live(context, films=films)
    assert [row.wanted for row in rows] == [
        targets.LIVE_CPU,
        targets.DELAY_P50,
        targets.DELAY_P99,
        targets.LIVE_MEMORY,
    ]
    with pytest.raises(BenchFailed, match="arrived"):
        check_arrived(10_000, films)


@pytest.mark.usefixtures("socket_enabled")
async def test_follow(tmp_path: Path) -> None:
    """The way to both places is compared with the longer of its two halves."""
    context = Context(folder=tmp_path, rounds=1, say=lambda _: None)
    (row,) = await follow(context, size=2 * MIB)
    assert row.wanted == targets.FOLLOW
    assert row.value is not None
    assert row.value > 0.5
