"""Home Assistant's own API over HTTP and websocket, as its pages use it."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager, suppress
from typing import Any

import aiohttp

_TIMEOUT = aiohttp.ClientTimeout(total=60)
_IDLE = 20.0
"""Home Assistant drops a socket that has answered no ping for about 55 s."""

type Json = dict[str, Any]


class ApiError(Exception):
    """Home Assistant refused a request; the text holds its answer."""


class HomeAssistantApi:
    """A client with an owner's access token. Close it when done."""

    def __init__(self, url: str, token: str) -> None:
        """Make one; nothing is asked yet."""
        self._url = url
        self._token = token
        self._session = aiohttp.ClientSession(
            headers={"Authorization": f"Bearer {token}"}, timeout=_TIMEOUT
        )
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._socket_lock = asyncio.Lock()
        self._socket_used = 0.0
        self._last_id = 0

    async def close(self) -> None:
        """Let go of the connections."""
        if self._socket is not None:
            await self._socket.close()
        await self._session.close()

    async def is_running(self) -> bool:
        """Tell whether it is up and has finished its start."""
        with suppress(aiohttp.ClientError, TimeoutError):
            async with self._session.get(
                f"{self._url}/api/core/state", timeout=aiohttp.ClientTimeout(total=5)
            ) as response:
                if response.status == 200:
                    return bool((await response.json())["state"] == "RUNNING")
        return False

    async def request(
        self, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> Any:
        """Do a request below `/api/`, and return the decoded answer.

        Raises `ApiError` on any status but 200 and 201.
        """
        async with self._session.request(
            method, f"{self._url}/api/{path}", json=body
        ) as response:
            if response.status not in {200, 201}:
                answer = await response.text()
                raise ApiError(f"{method} {path}: {response.status} {answer}")
            return await response.json()

    async def command(self, kind: str, **values: Any) -> Any:
        """Send a command over the websocket, and return its result.

        Raises `ApiError` if it fails.
        """
        async with self._socket_lock, asyncio.timeout(60):
            socket = await self._connected_socket()
            self._last_id += 1
            await socket.send_json({"id": self._last_id, "type": kind, **values})
            while True:
                message = await socket.receive_json()
                if message.get("id") == self._last_id and message["type"] == "result":
                    break
        if not message["success"]:
            raise ApiError(f"{kind}: {message['error']}")
        return message["result"]

    async def first_mqtt_message(self, topic: str, *, timeout: float = 30) -> Any:
        """Subscribe to a topic through its MQTT, and return the first payload.

        Raises TimeoutError if none comes in that time (s).
        """
        async with (
            asyncio.timeout(timeout),
            aclosing(self.mqtt_messages(topic)) as messages,
        ):
            return await anext(messages)

    async def mqtt_messages(self, topic: str) -> AsyncGenerator[Any]:
        """Subscribe to a topic through its MQTT, and yield the payloads.

        Raises TypeError (of aiohttp) when the connection to Home Assistant ends.
        """
        async with self._own_socket() as socket:
            await socket.send_json({"id": 1, "type": "mqtt/subscribe", "topic": topic})
            while True:
                message = await socket.receive_json()
                if message["type"] == "event":
                    yield message["event"]["payload"]

    async def state_changes(self, entity_id: str) -> AsyncGenerator[str | None]:
        """Yield an entity's state, and each that it changes to (None: no entity).

        Raises TypeError (of aiohttp) when the connection to Home Assistant ends.
        """
        async with self._own_socket() as socket:
            await socket.send_json(
                {"id": 1, "type": "subscribe_entities", "entity_ids": [entity_id]}
            )
            while True:
                message = await socket.receive_json()
                if message["type"] != "event":
                    continue
                event = message["event"]
                if entity_id in event.get("r", ()):
                    yield None
                for row in (event.get("a", {}), event.get("c", {})):
                    change = row.get(entity_id, {})
                    change = change.get("+", change)
                    if "s" in change:
                        yield change["s"]

    async def _connected_socket(self) -> aiohttp.ClientWebSocketResponse:
        now = asyncio.get_running_loop().time()
        if self._socket is not None and now > self._socket_used + _IDLE:
            await self._socket.close()
        if self._socket is None or self._socket.closed:
            self._socket = await self._new_socket()
        self._socket_used = now
        return self._socket

    @asynccontextmanager
    async def _own_socket(self) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        socket = await self._new_socket()
        try:
            yield socket
        finally:
            await socket.close()

    async def _new_socket(self) -> aiohttp.ClientWebSocketResponse:
        socket = await self._session.ws_connect(
            f"{self._url}/api/websocket", max_msg_size=0
        )
        await socket.receive_json()  # auth_required
        await socket.send_json({"type": "auth", "access_token": self._token})
        answer = await socket.receive_json()
        if answer["type"] != "auth_ok":
            await socket.close()
            raise ApiError(f"Log-in to the websocket: {answer}")
        return socket

    # Flows: each call returns the step that comes next

    async def start_config_flow(self, domain: str, **context: Any) -> Json:
        """Begin to add an integration (or, with `entry_id`, to reconfigure one)."""
        return await self._flow("config/config_entries/flow", domain, context)

    async def start_options_flow(self, entry_id: str) -> Json:
        """Open the options of an entry."""
        return await self._flow("config/config_entries/options/flow", entry_id, {})

    async def start_subentry_flow(
        self, entry_id: str, kind: str, **context: Any
    ) -> Json:
        """Begin to add a subentry (or, with `subentry_id`, to reconfigure one)."""
        return await self._flow(
            "config/config_entries/subentries/flow", [entry_id, kind], context
        )

    async def _flow(self, path: str, handler: object, context: Json) -> Json:
        body = {"handler": handler, "show_advanced_options": False, **context}
        step = await self.request("POST", path, body)
        return {**step, "path": path}

    async def submit(self, step: Json, values: Mapping[str, Any] | None = None) -> Json:
        """Fill in the form of a step, or confirm it."""
        path = step["path"]
        answer = await self.request("POST", f"{path}/{step['flow_id']}", values or {})
        return {**answer, "path": path}

    # States and services

    async def state(self, entity_id: str) -> Json | None:
        """Return an entity's state object, None if there is none."""
        try:
            answer: Json = await self.request("GET", f"states/{entity_id}")
        except ApiError as err:
            if ": 404 " in str(err):
                return None
            raise
        return answer

    async def call_service(self, domain: str, service: str, **data: Any) -> Any:
        """Call a service action."""
        return await self.request("POST", f"services/{domain}/{service}", data)

    async def entries(self, domain: str) -> list[Json]:
        """Return the config entries of an integration."""
        answer: list[Json] = await self.command("config_entries/get", domain=domain)
        return answer

    async def subentries(self, entry_id: str) -> list[Json]:
        """Return the subentries of an entry."""
        answer: list[Json] = await self.command(
            "config_entries/subentries/list", entry_id=entry_id
        )
        return answer

    async def entities(self, platform: str) -> list[Json]:
        """Return an integration's rows of the entity registry."""
        rows = await self.command("config/entity_registry/list")
        return [row for row in rows if row["platform"] == platform]

    async def devices(self) -> list[Json]:
        """Return the device registry."""
        answer: list[Json] = await self.command("config/device_registry/list")
        return answer

    async def repairs(self, domain: str) -> list[str]:
        """Return the ids of an integration's open repairs."""
        answer = await self.command("repairs/list_issues")
        return [
            issue["issue_id"]
            for issue in answer["issues"]
            if issue["domain"] == domain and not issue["ignored"]
        ]

    async def ignore_repairs(self, domain: str) -> None:
        """Ignore an integration's open repairs, as a person could."""
        for issue_id in await self.repairs(domain):
            await self.command(
                "repairs/ignore_issue", domain=domain, issue_id=issue_id, ignore=True
            )

    async def entity_states(self, platform: str) -> dict[tuple[str, str, str], Json]:
        """Return the states of an integration's entities.

        By the name of the device, the kind of entity (`sensor`) and the
        translation key.
        """
        devices = {device["id"]: device for device in await self.devices()}
        states = {one["entity_id"]: one for one in await self.request("GET", "states")}
        return {
            (
                _name(devices.get(row["device_id"])),
                row["entity_id"].split(".")[0],
                row["translation_key"],
            ): states[row["entity_id"]]
            for row in await self.entities(platform)
            if row["entity_id"] in states
        }


def _name(device: Json | None) -> str:
    return "" if device is None else device["name_by_user"] or device["name"]
