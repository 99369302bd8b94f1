"""The stage: real processes around a simulated Frigate, and three destinations."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
import shutil

from ..clouds import BUCKET, CLOUD
from ..disk import SmallDisk
from ..frigate import Frigate, FrigateServer, MqttLink, SettableClock, Timing
from ..home_assistant import INTEGRATION, HomeAssistant
from ..installation import (
    add_bucket,
    add_cloud,
    add_frigate,
    add_local,
    add_mqtt,
    add_sftp,
    set_options,
)
from ..jumping_clock import JumpingClock
from ..mosquitto import Mosquitto
from ..network import Network, Way
from ..openssh import OpenSshServer
from ..proftpd import NO_DOT_FILES, ProFtpdServer
from .clouds import DestinationServer, open_cloud_servers
from .hearing import Hearing
from .visitors import Visitors
from .watching import ProtectionWatch

TIME_ZONE = "Europe/Berlin"
CAMERAS = ("front_door", "driveway", "garden")
FAR, NEAR, FOLDER = "Far server", "Near server", "Folder"
HERE = "Home Assistant"

# Live footage is not among a cloud's usual media.
_MEDIA = {
    "media": ["live_snapshots", "snapshots", "recordings", "live_footage"],
}
_FAR_RATE = 64 * 1024
_DISK_SIZE = 512
_READY = 60.0

# Segments and their delay as in a real Frigate; but it says after a few seconds
# that a review has ended, so that there are more of them.
TIMING = Timing(alert_cutoff=6, detection_cutoff=4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Everything that runs."""

    home_assistant: HomeAssistant
    broker: Mosquitto
    servers: dict[str, DestinationServer]
    network: Network
    """The slow way to the far server."""
    disks: dict[str, SmallDisk]
    """Of the destinations, and of Home Assistant (`HERE`), if it is their own."""
    folders: dict[str, Path]
    """Where the destinations' files can be seen."""
    frigate: Frigate
    server: FrigateServer
    link: MqttLink
    visitors: Visitors
    hearing: Hearing
    watch: ProtectionWatch
    clock: JumpingClock
    """Home Assistant's."""

    def set_frigate_clock(self, ahead: float) -> None:
        """Set Frigate's clock so many seconds ahead of this machine's."""
        self.frigate.set_clock(ahead)
        self.server.clock_offset = ahead


@asynccontextmanager
async def open_stage(
    folder: Path,
    *,
    seed: int,
    version: str,
    options: Mapping[str, object],
    integration: Path = INTEGRATION,
    everywhere: bool = False,
) -> AsyncIterator[Stage]:
    """Start everything, set the integration up as a person would, and end it all.

    `options` are those of the integration's entry. With `everywhere` a bucket and a
    WebDAV server are destinations, too.
    """
    # Clocks of two machines never agree: 4 s either way.
    ahead = seed % 9 - 4
    frigate = Frigate(
        CAMERAS,
        version=version,
        timing=TIMING,
        clock=SettableClock(ahead),
        seed=seed,
        live=True,
    )
    async with AsyncExitStack() as stack:
        disks = {
            name: await stack.enter_async_context(
                SmallDisk(folder / f"disk-{number}", size=_DISK_SIZE)
            )
            for number, name in enumerate((NEAR, FOLDER, HERE))
        }
        folders = {name: disks[name].folder / "store" for name in (NEAR, FOLDER)}
        folders[FAR] = folder / "far-store"
        for path in folders.values():
            path.mkdir()
        broker = await stack.enter_async_context(
            Mosquitto(folder / "mosquitto", persistent=True)
        )
        ssh_servers: dict[str, OpenSshServer | ProFtpdServer] = {
            FAR: await stack.enter_async_context(OpenSshServer(folder / "openssh")),
            # As a hoster has it: nothing may begin with a dot.
            NEAR: await stack.enter_async_context(
                ProFtpdServer(folder / "proftpd", settings=NO_DOT_FILES)
            ),
        }
        network = await stack.enter_async_context(
            Network(ssh_servers[FAR].port, there=Way(rate=_FAR_RATE))
        )
        server = await stack.enter_async_context(
            FrigateServer(frigate, clock_offset=ahead)
        )
        link = await stack.enter_async_context(
            MqttLink(frigate, "127.0.0.1", broker.port)
        )
        clock = JumpingClock(folder / "clock")
        stack.callback(
            shutil.copytree, disks[HERE].folder, folder / "data", dirs_exist_ok=True
        )
        home_assistant = await stack.enter_async_context(
            HomeAssistant(
                folder / "config",
                allowed=(folders[FOLDER],),
                time_zone=TIME_ZONE,
                integration=integration,
                data=disks[HERE].folder,
                clock=clock,
            )
        )
        api = home_assistant.api
        await add_mqtt(api, broker.port)
        entry_id = await add_frigate(api, server.url)
        await set_options(api, entry_id, options)
        await add_local(api, entry_id, name=FOLDER, path=folders[FOLDER])
        for name, ssh in ssh_servers.items():
            await add_sftp(
                api,
                entry_id,
                name=name,
                port=network.port if name == FAR else ssh.port,
                username=ssh.username,
                path=str(folders[name]),
                fingerprint=ssh.fingerprint,
                authorize=ssh.authorize,
            )
        clouds = {}
        if everywhere:
            clouds = await stack.enter_async_context(open_cloud_servers(folder))
            bucket, cloud = clouds[BUCKET], clouds[CLOUD]
            await add_bucket(api, entry_id, bucket.url, selection=_MEDIA)
            await add_cloud(api, entry_id, cloud.url, selection=_MEDIA)
            folders |= {name: server.folder for name, server in clouds.items()}
        hearing = Hearing(home_assistant, broker.port)
        watch = ProtectionWatch(home_assistant)
        for running in (hearing.run(), watch.run()):
            stack.push_async_callback(_cancel, asyncio.create_task(running))
        await hearing.wait(timeout=_READY)
        visitors = Visitors(frigate, seed=seed)
        stack.push_async_callback(visitors.close)
        yield Stage(
            home_assistant=home_assistant,
            broker=broker,
            servers={**ssh_servers, **clouds},
            network=network,
            disks={name: disk for name, disk in disks.items() if disk.is_real},
            folders=folders,
            frigate=frigate,
            server=server,
            link=link,
            visitors=visitors,
            hearing=hearing,
            watch=watch,
            clock=clock,
        )


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait({task}, timeout=10)
