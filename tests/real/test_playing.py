"""A long recording at a server far away plays in a real browser, and seeks, at once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field, replace
from fractions import Fraction
from io import BytesIO
from pathlib import Path
import re
import sqlite3
from typing import Any, Final, override

from aiohttp import web
import av
import numpy as np
import pytest

from ..harness.arrivals import Kind
from ..harness.frigate import Frigate, Timing
from ..harness.network import HOST, Network, Way
from ..harness.programs import require_program
from .stage import SERVER, Stage, open_stage

TIMING = replace(Timing().scaled(0.1), alert_cutoff=6, detection_cutoff=6)
ROUND_TRIP: Final = 0.04
RATE: Final = 12_500_000
"""Bytes a second: 100 Mbit/s."""
SIZE: Final = 200 << 20
FPS, GOP = 15, 30
PATIENCE: Final = 12.0
"""Seconds to begin to play, or to be elsewhere: a machine that is not busy needs less
than two. As the clip is stored, it would take fifty."""

PAGE: Final = """<video id="film" muted></video><script>
const film = document.getElementById("film"), result = {seeks: []};
const once = name => new Promise(done => film.addEventListener(name, done, {once: true}));
const pause = () => new Promise(done => setTimeout(done, 1000));
const send = () => fetch("/result", {method: "POST", body: JSON.stringify(result)});
film.addEventListener("error", () => { result.error = film.error.message; send(); });
(async () => {
  let began = performance.now();
  film.src = URL_OF_FILM;
  film.play();
  await once("playing");
  result.playing = performance.now() - began;
  result.duration = film.duration;
  for (const part of [0.8, 0.3, 0.95]) {
    await pause();
    began = performance.now();
    film.currentTime = film.duration * part;
    await once("seeked");
    result.seeks.push(performance.now() - began);
  }
  send();
})();
</script>"""


class _Pipe(BytesIO):
    """An output that can't seek, as that of Frigate's ffmpeg."""

    @override
    def seekable(self) -> bool:
        return False


def long_clip() -> bytes:
    """Return a clip of `SIZE`, of pictures that don't compress, as Frigate streams it."""
    generator = np.random.default_rng(3)
    noise = [
        generator.integers(0, 255, (360, 640, 3), dtype=np.uint8) for _ in range(FPS)
    ]
    file = _Pipe()
    options = {"movflags": "frag_keyframe+empty_moov"}
    with av.open(file, "w", format="mp4", options=options) as container:
        picture = container.add_stream("libx264", rate=FPS)
        picture.width, picture.height, picture.pix_fmt = 640, 360, "yuv420p"
        picture.codec_context.gop_size = GOP
        picture.codec_context.max_b_frames = 0
        picture.options = {"preset": "ultrafast", "crf": "28"}
        sound = container.add_stream("aac", rate=16000, layout="mono")
        silence = np.zeros((1, 1024), dtype=np.float32)
        number = tone = 0
        while file.tell() < SIZE:
            frame = av.VideoFrame.from_ndarray(noise[number % FPS], format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            container.mux(picture.encode(frame))
            while tone * 1024 * FPS < number * 16000:
                heard = av.AudioFrame.from_ndarray(
                    silence, format="fltp", layout="mono"
                )
                heard.sample_rate, heard.pts = 16000, tone * 1024
                container.mux(sound.encode(heard))
                tone += 1
            number += 1
        container.mux(picture.encode(None))
        container.mux(sound.encode(None))
    return file.getvalue()


@dataclass
class Browser:
    """Chromium, and the page that it shows."""

    film: str
    folder: Path
    result: asyncio.Future[dict[str, Any]] = field(default_factory=asyncio.Future)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Show the page."""
        app = web.Application()
        app.router.add_get("/", self._page)
        app.router.add_post("/result", self._take)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, HOST, 0)
        await site.start()
        (address,) = runner.addresses
        process = await asyncio.create_subprocess_exec(
            require_program("chromium", "chromium"),
            *("--headless=new", "--no-sandbox", "--disable-gpu"),
            "--autoplay-policy=no-user-gesture-required",
            f"--user-data-dir={self.folder}",
            f"http://{HOST}:{address[1]}/",
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            yield
        finally:
            process.terminate()
            await process.wait()
            await runner.cleanup()

    async def _page(self, request: web.Request) -> web.Response:
        return web.Response(
            text=PAGE.replace("URL_OF_FILM", repr(self.film)), content_type="text/html"
        )

    async def _take(self, request: web.Request) -> web.Response:
        if not self.result.done():
            self.result.set_result(await request.json())
        return web.Response()


async def _url_of_recording(stage: Stage) -> str:
    """Browse down to the recording, as a person would, and return where it plays."""
    media_id = "media-source://frigate_snap_sync"
    while True:
        shown = await stage.home_assistant.api.command(
            "media_source/browse_media", media_content_id=media_id
        )
        child = next(
            each
            for each in shown["children"]
            if each["can_expand"] or each["media_class"] == "video"
        )
        media_id = child["media_content_id"]
        if child["can_play"]:
            found = await stage.home_assistant.api.command(
                "media_source/resolve_media", media_content_id=media_id
            )
            return f"{stage.home_assistant.url}{found['url']}"


def _way() -> Way:
    return Way(rate=RATE, delay=ROUND_TRIP / 2, queue=1 << 20)


def _verify_again(folder: Path, *, size: int) -> None:
    """Let the ledger know the recording's new size: another one is not played."""
    (ledger,) = (folder / "config").rglob("frigate_snap_sync/*.db")
    with closing(sqlite3.connect(ledger, timeout=30)) as connection, connection:
        connection.execute(
            "UPDATE uploads SET size = ? WHERE role = 'whole' AND path LIKE '%.mp4'",
            (size,),
        )


def _memory(stage: Stage) -> int:
    """Return the highest resident memory that Home Assistant had, in MiB."""
    (line,) = re.findall(
        r"VmHWM:\s+(\d+) kB",
        Path(f"/proc/{stage.home_assistant.pid}/status").read_text(),
    )
    return int(line) // 1024


@pytest.fixture(name="clip", scope="module")
def fixture_clip() -> bytes:
    """Return the long clip."""
    return long_clip()


async def test_a_long_recording_far_away(tmp_path: Path, clip: bytes) -> None:
    """It lies at an SFTP server alone, 40 ms away; memory does not grow with it."""
    frigate = Frigate(("front_door",), timing=TIMING)
    async with (
        open_stage(tmp_path, frigate, destinations=(SERVER,)) as stage,
        Network(stage.ssh.port, there=_way(), back=_way()) as network,
    ):
        await stage.add_server(await stage.add_frigate(), port=network.port)
        await stage.wait_ready()
        visit = stage.story.visit("front_door", "person", 4)
        await visit.ended.wait()
        await stage.arrivals.wait(timeout=60)
        (recording,) = (
            item for item in stage.arrivals.items if item.kind is Kind.RECORDING
        )
        await stage.wait_for_value(SERVER, "sensor", "recordings_uploaded", "1")
        # A simulated visit is short; as long as this one might have been.
        path = stage.ssh.root / recording.arrivals[SERVER].path
        path.write_bytes(clip)
        _verify_again(tmp_path, size=len(clip))
        before = _memory(stage)
        browser = Browser(await _url_of_recording(stage), tmp_path / "chromium")
        async with browser.open(), asyncio.timeout(120):
            result = await browser.result
        assert "error" not in result, result
        assert result["playing"] < PATIENCE * 1000, result
        assert max(result["seeks"]) < PATIENCE * 1000, result
        assert result["duration"] > 60
        assert _memory(stage) - before < 80
        assert network.passed < len(clip)
        await stage.home_assistant.stop()
        assert not stage.home_assistant.complaints()
