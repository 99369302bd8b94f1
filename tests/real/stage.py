"""A stage for a test of the whole: real processes around a simulated Frigate."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..harness.arrivals import Arrivals
from ..harness.frigate import Auth, Frigate, FrigateServer, MqttLink, Story, self_signed
from ..harness.home_assistant import DOMAIN, HomeAssistant
from ..harness.installation import (
    add_bucket,
    add_cloud,
    add_frigate,
    add_mqtt,
    add_sftp,
    wait_loaded,
    wait_subscribed,
)
from ..harness.mosquitto import Mosquitto
from ..harness.openssh import OpenSshServer
from ..harness.processes import wait_until
from ..harness.s3_servers import RcloneS3
from ..harness.webdav import Rclone

TIME_ZONE = "Europe/Berlin"
FOLDER, SERVER = "Folder", "Office server"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Everything that runs."""

    home_assistant: HomeAssistant
    broker: Mosquitto
    ssh: OpenSshServer
    frigate: Frigate
    server: FrigateServer
    link: MqttLink
    story: Story
    folder: Path
    arrivals: Arrivals

    async def add_frigate(self) -> str:
        """Set MQTT and the Frigate up; return the id of its entry."""
        api = self.home_assistant.api
        await add_mqtt(api, self.broker.port)
        return await add_frigate(api, self.server.url)

    async def add_server(self, entry_id: str, *, port: int | None = None) -> None:
        """Add the SFTP server as a destination; `port` is that of a line to it."""
        await add_sftp(
            self.home_assistant.api,
            entry_id,
            name=SERVER,
            port=self.ssh.port if port is None else port,
            username=self.ssh.username,
            path=str(self.ssh.root),
            fingerprint=self.ssh.fingerprint,
            authorize=self.ssh.authorize,
        )

    async def add_bucket(self, entry_id: str, bucket: RcloneS3, **answers: Any) -> None:
        """Add a bucket as a destination; `answers` are what is not as usual."""
        api = self.home_assistant.api
        usual = {"bucket": bucket.bucket}
        await add_bucket(api, entry_id, bucket.url, **usual | answers)

    async def add_cloud(self, entry_id: str, cloud: Rclone, **answers: Any) -> None:
        """Add a WebDAV server as a destination; `answers` are what is not as usual."""
        api = self.home_assistant.api
        usual = {"url": cloud.url}
        await add_cloud(api, entry_id, **usual | answers)

    async def wait_ready(self) -> None:
        """Wait until the Frigate's entry is loaded and listens, as after a start."""
        api = self.home_assistant.api
        (entry,) = await api.entries(DOMAIN)
        await wait_loaded(api, DOMAIN, entry["entry_id"])
        await wait_subscribed(api)

    async def value(self, device: str, platform: str, key: str) -> str | None:
        """Return the state of our entity with that key, None if there is none."""
        states = await self.home_assistant.api.entity_states(DOMAIN)
        state: dict[str, Any] | None = states.get((device, platform, key))
        return None if state is None else str(state["state"])

    async def wait_for_value(
        self, device: str, platform: str, key: str, value: str, *, timeout: float = 15
    ) -> None:
        """Wait until our entity has that state; raises TimeoutError."""
        seen: str | None = None

        async def right() -> bool:
            nonlocal seen
            seen = await self.value(device, platform, key)
            return seen == value

        try:
            await wait_until(right, f"{platform} {key} of {device}", timeout=timeout)
        except TimeoutError as err:
            raise TimeoutError(f"{err} is {value}; it is {seen}") from None


@asynccontextmanager
async def open_stage(
    folder: Path,
    frigate: Frigate,
    *,
    auth: Auth | None = None,
    base_path: str = "",
    destinations: tuple[str, ...] = (FOLDER, SERVER),
    others: Mapping[str, Path] | None = None,
    time_zone: str = TIME_ZONE,
) -> AsyncIterator[Stage]:
    """Start everything around a Frigate, and stop it in the end.

    With `auth` Frigate is reached as at its port 8971: with TLS that nobody
    vouches for, and a login. Arrivals are looked for at these `destinations`, and in
    the folders of `others`. `time_zone` is Home Assistant's.
    """
    store = folder / "folder"
    store.mkdir()
    async with AsyncExitStack() as stack:
        broker = await stack.enter_async_context(Mosquitto(folder / "mosquitto"))
        ssh = await stack.enter_async_context(OpenSshServer(folder / "ssh"))
        tls = None
        if auth is not None:
            tls = await asyncio.to_thread(self_signed, folder)
        server = await stack.enter_async_context(
            FrigateServer(frigate, auth=auth, tls=tls, base_path=base_path)
        )
        link = await stack.enter_async_context(
            MqttLink(frigate, "127.0.0.1", broker.port)
        )
        home_assistant = await stack.enter_async_context(
            HomeAssistant(folder / "config", allowed=(store,), time_zone=time_zone)
        )
        story = Story(frigate)
        stack.push_async_callback(story.stop)
        folders = {FOLDER: store, SERVER: ssh.root}
        looked_at = {name: folders[name] for name in destinations}
        arrivals = Arrivals(frigate, server, {**looked_at, **(others or {})})
        watching = asyncio.create_task(arrivals.watch())
        stack.callback(watching.cancel)
        yield Stage(
            home_assistant=home_assistant,
            broker=broker,
            ssh=ssh,
            frigate=frigate,
            server=server,
            link=link,
            story=story,
            folder=store,
            arrivals=arrivals,
        )
