"""The outages of the story: each ends by itself after some seconds."""

import asyncio
from collections.abc import Callable

from ..broker import EmbeddedBroker
from ..frigate import Frigate, FrigateServer, MqttLink, Story
from ..home_assistant import HomeAssistant
from ..sftp_server import SftpServer

_SERVER_AWAY = 8.0
_FRIGATE_AWAY = 6.0
_BROKER_AWAY = 6.0
_BACK = 60.0
_SUBSCRIBED = 1.0


class Outages:
    """Takes parts of the demo away, and brings them back.

    `say` is told of it. What fails on the way is raised by `finish`.
    """

    def __init__(
        self,
        *,
        sftp: SftpServer,
        broker: EmbeddedBroker,
        frigate: Frigate,
        server: FrigateServer,
        link: MqttLink,
        story: Story,
        home_assistant: HomeAssistant,
        say: Callable[[str], None],
    ) -> None:
        """Keep the parts; nothing goes away yet."""
        self._sftp = sftp
        self._broker = broker
        self._frigate = frigate
        self._server = server
        self._link = link
        self._story = story
        self._home_assistant = home_assistant
        self._say = say
        self._tasks: list[asyncio.Task[None]] = []

    def let_server_die(self) -> None:
        """Let the SFTP server die in its next upload, and come back later."""
        if all(task.done() for task in self._tasks):
            self._tasks.append(asyncio.create_task(self._server_dies()))

    async def restart_frigate(self) -> None:
        """Kill Frigate, and return when it runs again."""
        self._frigate.kill()
        await self._story.stop()
        await self._link.cut()
        await self._server.stop()
        self._say("!! Frigate has died")
        await asyncio.sleep(_FRIGATE_AWAY)
        self._frigate.start_again()
        await self._server.start()
        await self._link.start(timeout=_BACK)
        self._say("!! Frigate runs again")

    async def restart_broker(self) -> None:
        """Stop the broker, and return when Home Assistant hears from it again."""
        await self._broker.stop()
        self._say("!! The MQTT broker has gone")
        await asyncio.sleep(_BROKER_AWAY)
        await self._broker.start()
        topic = f"{self._frigate.topic_prefix}/available"
        await self._home_assistant.api.first_mqtt_message(topic, timeout=_BACK)
        await asyncio.sleep(_SUBSCRIBED)
        self._say("!! The MQTT broker is back")

    async def finish(self) -> None:
        """Wait until everything is back."""
        tasks, self._tasks = self._tasks, []
        await asyncio.gather(*tasks)

    async def stop(self) -> None:
        """Wait for nothing."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _server_dies(self) -> None:
        self._sftp.die_in_next_write()
        await self._sftp.dead.wait()
        self._say("!! The SFTP server has died in the middle of an upload")
        await asyncio.sleep(_SERVER_AWAY)
        await self._sftp.start()
        self._say("!! The SFTP server is back")
