"""Recorded WebSocket sessions of a real go2rtc, to be played again by a server."""

import base64
import functools
import json
from pathlib import Path
from typing import Any

from aiohttp import web

from .server import Handler

SESSIONS = Path(__file__).parents[1] / "fixtures" / "live"
PATH = "/live/mse/api/ws"


@functools.cache
def messages(name: str) -> tuple[str | bytes, ...]:
    """Return what go2rtc sent: texts, and binary messages."""
    with (SESSIONS / f"{name}.jsonl").open(encoding="utf-8") as lines:
        documents: list[dict[str, Any]] = [json.loads(line) for line in lines]
    return tuple(
        document["text"] if "text" in document else base64.b64decode(document["b64"])
        for document in documents
        if "sent" not in document
    )


def film(name: str) -> tuple[bytes, ...]:
    """Return the binary messages of a session: the beginning, then the fragments."""
    return tuple(message for message in messages(name) if isinstance(message, bytes))


def playing(*sent: str | bytes, asked: list[str], then: str = "hold") -> Handler:
    """Return a handler that sends this; `then` it will `hold`, `close` or `chatter`.

    What the client asked for is added to `asked`. Chatter never ends, nor does it
    answer the client's good-bye.
    """

    async def play(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(autoclose=then != "chatter", autoping=False)
        await socket.prepare(request)
        asked.append(await socket.receive_str())

        async def send(message: str | bytes) -> None:
            if isinstance(message, str):
                await socket.send_str(message)
            else:
                await socket.send_bytes(message)

        for message in sent:
            await send(message)
        if then == "hold":
            await socket.receive()
        elif then == "chatter":
            while request.transport is not None:
                await send(sent[-1] if sent else b"")
        return socket

    return play
