"""A web server in this process that answers as told, recorded answers above all."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
import json
import ssl
from typing import Self

from aiohttp import web
from aiohttp.test_utils import TestServer
from yarl import URL

from .recorded import Reply, reply

type Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

RECORDED_ANSWERS = (
    "version",
    "config",
    "stats",
    "review-by-id",
    "review-by-id-not-found",
    "event-by-id",
    "event-by-id-not-found",
    "event-snapshot",
    "event-snapshot-not-found",
    "recordings",
    "recordings-none",
    "review-list",
    "events",
    "clip-finished-review",
)
LEFT_OUT_HEADERS = frozenset(
    {"content-length", "transfer-encoding", "date", "connection", "set-cookie"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request that came."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def bearer(self) -> str | None:
        """Return the token that came with it."""
        kind, _, token = self.headers.get("Authorization", "").partition(" ")
        return token if kind == "Bearer" else None


@dataclass(slots=True, kw_only=True)
class FakeServer:
    """Answers by path, and remembers what it was asked.

    An answer is used for every request; of a list the last one stays.
    """

    base_path: str = ""
    asked: list[Asked] = field(default_factory=list)
    answers: dict[str, list[Reply | Handler]] = field(default_factory=dict)
    fallback: Reply | Handler | None = None
    _server: TestServer | None = None

    async def start(self, *, tls: ssl.SSLContext | None = None) -> Self:
        """Listen on a free port of 127.0.0.1."""
        app = web.Application(client_max_size=1024 * 1024)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._server = TestServer(app, host="127.0.0.1")
        await self._server.start_server(ssl=tls)
        return self

    async def close(self) -> None:
        """Stop listening."""
        assert self._server is not None
        await self._server.close()

    @property
    def url(self) -> str:
        """Return the address to give to a client."""
        assert self._server is not None
        return str(self._server.make_url("/")).rstrip("/") + self.base_path

    def answer(self, path: str, *answers: Reply | Handler) -> None:
        """Set the answers to `path` (with `/api/…`, unquoted)."""
        self.answers[self.base_path + path] = list(answers)

    def record(self, version: str, *names: str) -> None:
        """Answer as recorded, whatever the parameters are."""
        for name in names or RECORDED_ANSWERS:
            recorded = reply(version, name)
            self.answer(URL(recorded.path).path, recorded)

    def asked_for(self, path: str) -> list[Asked]:
        """Return the requests to `path`."""
        return [asked for asked in self.asked if asked.path == self.base_path + path]

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(
            Asked(
                method=request.method,
                path=request.path,
                query=dict(request.query),
                headers=dict(request.headers),
                body=await request.read(),
            )
        )
        answers = self.answers.get(request.path)
        if answers:
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
        elif self.fallback is not None:
            answer = self.fallback
        else:
            answer = reply("0.17.2", "unknown-route")
        return respond(answer) if isinstance(answer, Reply) else await answer(request)


def respond(recorded: Reply) -> web.Response:
    """Return a recorded answer as a response."""
    headers = [
        (name, value)
        for name, value in recorded.headers.items()
        if name not in LEFT_OUT_HEADERS
    ]
    if "set-cookie" in recorded.headers:
        headers.append(("Set-Cookie", recorded.headers["set-cookie"]))
    return web.Response(status=recorded.status, headers=headers, body=recorded.body)


def page(status: int = 200, text: str = "Nothing here") -> Reply:
    """Return a web page, as a proxy in between answers."""
    return Reply(
        path="",
        status=status,
        headers={"content-type": "text/html; charset=utf-8"},
        body=f"<html><body>{text}</body></html>".encode(),
    )


def as_json(document: object, status: int = 200) -> Reply:
    """Return an answer in JSON."""
    return Reply(
        path="",
        status=status,
        headers={"content-type": "application/json"},
        body=json.dumps(document).encode(),
    )


def as_bytes(body: bytes, content_type: str, status: int = 200) -> Reply:
    """Return an answer of any kind."""
    return Reply(
        path="", status=status, headers={"content-type": content_type}, body=body
    )


async def abort(request: web.Request) -> web.Response:
    """Close the connection without a word."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()
