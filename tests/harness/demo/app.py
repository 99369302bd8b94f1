"""Puts the demo together, plays it, and ends it cleanly."""

import argparse
import asyncio
from collections.abc import Sequence
import contextlib
from pathlib import Path
import random
import socket
import sys
import time
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ..arrivals import Arrivals, files_below
from ..broker import PROTOCOL, EmbeddedBroker
from ..command import run_command
from ..frigate import Frigate, FrigateServer, MqttLink, Story, Timing
from ..home_assistant import DOMAIN, PASSWORD, USERNAME, HomeAssistant
from ..installation import (
    FlowFailed,
    add_bucket,
    add_frigate,
    add_local,
    add_mqtt,
    add_sftp,
    wait_subscribed,
)
from ..processes import ProgramFailed
from ..s3_servers import RcloneS3
from ..sftp_server import SftpServer
from .outages import Outages
from .story import CAMERAS, Stage, story_of
from .table import Table, totals
from .window import CONFIGURATION, DASHBOARD, dashboard, write_dashboard

_QUIET_END = 40
"""Seconds before the end in which nothing new begins."""
_LONGEST_WAIT = 180
_LOOK_INTERVAL = 0.25
_DASHBOARD_SECONDS = 30
_LONGEST_COMPLAINT = 3000
_FOLDER, _SERVER, _BUCKET = "Folder", "SFTP server", "S3 bucket"

# A real Frigate ends a review 40 s after the last activity, and needs up to 17 s to
# have footage at hand; a demo should be a little quicker.
_TIMING = Timing().scaled(0.1)


def _seconds(text: str) -> float:
    seconds = float(text)
    if seconds < 60:
        raise argparse.ArgumentTypeError("60 or more, please")
    return seconds


def _port(text: str) -> int:
    """Return a port that Home Assistant can listen on."""
    port = int(text)
    with socket.socket() as sock:
        # As it does itself: what a program that has ended leaves behind is no hindrance.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(("127.0.0.1", port))
        except (OSError, OverflowError) as err:
            raise argparse.ArgumentTypeError(f"port {port}: {err}") from err
    return port


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="script/demo",
        description="A real Home Assistant with Frigate Snap Sync, a simulated "
        "Frigate and three destinations, all on this machine.",
    )
    parser.add_argument(
        "--for",
        dest="seconds",
        type=_seconds,
        metavar="SECONDS",
        help="play so long, then end with a summary; fails unless everything "
        "arrived and was verified (default: until Ctrl-C)",
    )
    parser.add_argument(
        "--port",
        type=_port,
        help="the port of Home Assistant's page on this machine (default: a free one)",
    )
    return parser.parse_args(argv)


def _time_zone() -> ZoneInfo:
    """Return the zone of this machine, UTC if that can't be known."""
    with contextlib.suppress(OSError, ValueError, ZoneInfoNotFoundError):
        name = str(Path("/etc/localtime").readlink()).partition("zoneinfo/")[2]
        return ZoneInfo(name)
    return ZoneInfo("UTC")


class Demo:
    """All that runs, in `folder`. `stack` ends it again, in reverse."""

    def __init__(
        self, folder: Path, stack: contextlib.AsyncExitStack, *, port: int | None
    ) -> None:
        """Make the parts; nothing runs yet. `port` is that of Home Assistant's page."""
        self.local = folder / "folder"
        self.local.mkdir()
        self._stack = stack
        self.sftp = SftpServer(folder / "sftp")
        self.sftp.behavior.username = "frigate"
        self.sftp.behavior.password = False
        self.bucket = RcloneS3(folder / "s3", bucket="cams")
        self.broker = EmbeddedBroker()
        self.frigate = Frigate(CAMERAS, timing=_TIMING, live=True)
        self.server = FrigateServer(self.frigate)
        self.link = MqttLink(self.frigate, "127.0.0.1", self.broker.port)
        zone = _time_zone()
        self.home_assistant = HomeAssistant(
            folder / "config",
            allowed=(self.local,),
            time_zone=zone.key,
            port=port,
            configuration=CONFIGURATION,
        )
        self.story = Story(self.frigate)
        self._folders = {
            _FOLDER: self.local,
            _SERVER: self.sftp.root,
            _BUCKET: self.bucket.folder,
        }
        self._repairs: list[str] = []
        self.arrivals = Arrivals(self.frigate, self.server, self._folders)
        self.table = Table(self.arrivals, list(self._folders), zone)
        self.outages = Outages(
            sftp=self.sftp,
            broker=self.broker,
            frigate=self.frigate,
            server=self.server,
            link=self.link,
            story=self.story,
            home_assistant=self.home_assistant,
            say=self.table.say,
        )

    async def start(self) -> None:
        """Start everything and set the integration up, as a person would."""
        say = self.table.say
        say(
            "Starting an MQTT broker, an SFTP server, an S3 server and a simulated Frigate"
        )
        for part in (self.broker, self.sftp, self.bucket, self.server, self.link):
            await part.start()
            self._stack.push_async_callback(part.stop)
        say("Starting Home Assistant")
        await self._stack.enter_async_context(self.home_assistant)
        say("Setting up MQTT, Frigate Snap Sync and its three destinations")
        api = self.home_assistant.api
        await add_mqtt(api, self.broker.port, protocol=PROTOCOL)
        entry = await add_frigate(api, self.server.url)
        await add_local(api, entry, name=_FOLDER, path=self.local)
        await add_sftp(
            api,
            entry,
            name=_SERVER,
            port=self.sftp.port,
            username=self.sftp.behavior.username,
            path="/",
            fingerprint=self.sftp.fingerprint,
            authorize=self.sftp.authorize,
        )
        await add_bucket(
            api, entry, self.bucket.url, bucket=self.bucket.bucket, name=_BUCKET
        )
        await wait_subscribed(api)
        await self._make_dashboard()
        # Of the parts of Home Assistant that were not installed.
        await api.call_service("persistent_notification", "dismiss_all")
        # The demo's broker knows no MQTT 5, which Home Assistant would like better.
        await api.ignore_repairs("mqtt")
        url = self.home_assistant.url
        say("")
        say(f"Dashboard:       {url}/{DASHBOARD}")
        say(f"Integration:     {url}/config/integrations/integration/{DOMAIN}")
        say(f"Media:           {url}/media-browser")
        say(f"Activity:        {url}/logbook")
        say(f"  user name:     {USERNAME}")
        say(f"  password:      {PASSWORD}")
        port = self.home_assistant.port
        say(f"  from elsewhere: ssh -L {port}:127.0.0.1:{port} this-machine")
        say(f"{_FOLDER + ':':<16} {self.local}")
        say(
            f"{_SERVER + ':':<16} 127.0.0.1:{self.sftp.port}, files in {self.sftp.root}"
        )
        say(f"{_BUCKET + ':':<16} {self.bucket.url}, files in {self.bucket.folder}")
        say("")

    async def _make_dashboard(self) -> None:
        """Show what there is now: the entities of every device."""
        api = self.home_assistant.api
        cameras: list[str] = []
        async with asyncio.timeout(_DASHBOARD_SECONDS):
            while len(cameras) < len(CAMERAS):
                await asyncio.sleep(_LOOK_INTERVAL)
                states = await api.entity_states(DOMAIN)
                cameras = [name for name, _, key in states if key == "last_snapshot"]
        (frigate,) = (device for device, _, key in states if key == "protection")
        write_dashboard(
            self.home_assistant.folder,
            dashboard(
                states, frigate=frigate, cameras=cameras, destinations=self._folders
            ),
        )

    async def _play(self, seconds: float | None, until: float | None) -> None:
        """Play the story, again and again; at `until` (monotonic) stop beginning."""
        stage = Stage(
            frigate=self.frigate,
            story=self.story,
            outages=self.outages,
            chance=random.Random(),
        )
        while True:
            for step in story_of(seconds):
                if until is not None and time.monotonic() >= until:
                    return
                if until is not None and time.monotonic() + step.needs >= until:
                    continue
                if not self.table.live:
                    self.table.say(f"-- {step.title}")
                await step.play(stage)
                await asyncio.sleep(step.pause)

    async def _watch(self) -> None:
        """Keep the table up to date until cancelled."""
        while True:
            await self.arrivals.look()
            self.table.show()
            await asyncio.sleep(_LOOK_INTERVAL)

    async def run(self, seconds: float | None) -> None:
        """Play so long (None: until cancelled), and wait for what is under way."""
        began = time.monotonic()
        until = None if seconds is None else began + seconds - _QUIET_END
        watcher = asyncio.create_task(self._watch())
        try:
            await self._play(seconds, until)
            if seconds is None:
                return
            await asyncio.sleep(max(0.0, began + seconds - time.monotonic()))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LONGEST_WAIT):
                    await self.story.finish()
                    await self.outages.finish()
                    while self.arrivals.waiting:
                        await asyncio.sleep(_LOOK_INTERVAL)
            # Those of automations: one of the demo's own is not valid.
            for domain in (DOMAIN, "automation"):
                self._repairs += await self.home_assistant.api.repairs(domain)
        finally:
            watcher.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watcher
            self.table.show()

    def failures(self, *, complete: bool) -> list[str]:
        """Return what went wrong; `complete`: all should have arrived by now."""
        failures = []
        if complete:
            if not self.arrivals.items:
                failures.append("Nothing was published.")
            failures += [
                f"Has not arrived everywhere: {item.kind} of {item.camera}, {item.label}"
                for item in self.arrivals.waiting
            ]
        failures += [
            f"Arrived, but not as it should be: {arrival.path} ({name})"
            for item in self.arrivals.wrong
            for name, arrival in item.arrivals.items()
            if not arrival.verified
        ]
        failures += [
            f"Left behind: {path} ({name})"
            for name, folder in self._folders.items()
            for path in files_below(folder)
            if complete and path.endswith(".tmp")
        ]
        failures += [f"There is an open repair: {key}" for key in self._repairs]
        return failures + [
            complaint[:_LONGEST_COMPLAINT]
            for complaint in self.home_assistant.complaints()
        ]


async def _play(folder: Path, seconds: float | None, port: int | None) -> int:
    interrupted = False
    async with contextlib.AsyncExitStack() as stack:
        demo = Demo(folder, stack, port=port)
        try:
            await demo.start()
            await demo.run(seconds)
        except asyncio.CancelledError:
            interrupted = True
        demo.table.end("", "Ending" if interrupted else "The story is over")
        await demo.outages.stop()
        await demo.story.stop()
    failures = demo.failures(complete=not interrupted)
    demo.table.end(totals(demo.arrivals), *failures)
    return 1 if failures else 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demo; returns the exit code."""
    arguments = _arguments(argv)
    try:
        return run_command(
            "demo", lambda folder: _play(folder, arguments.seconds, arguments.port)
        )
    except (FlowFailed, ProgramFailed, TimeoutError) as err:
        sys.stderr.write(f"The demo could not be set up: {err}\n")
        return 1
