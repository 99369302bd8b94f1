"""The HTTP server of the simulated Frigate, on 127.0.0.1."""

import asyncio
import contextlib
from email.utils import formatdate
import ssl
import time
from typing import Self

from aiohttp import web

from . import live
from .answers import Answer
from .api import Api, token_of
from .auth import Auth, User
from .core import Frigate
from .faults import Fault, Faults, Kind
from .journal import Journal, Served

_CHUNK = 8192
_CACHE_SECONDS = 5


class FrigateServer:
    """Serves a `Frigate` as its port 5000 does; with `auth` as its port 8971.

    `base_path` (`/nvr`) is where it lies. `clock_offset`: seconds that its
    `Date` header is ahead of this machine's clock. `faults` and `journal` say
    what goes wrong and what was asked. It may be stopped and started again,
    and keeps its port then. A context manager.
    """

    def __init__(
        self,
        frigate: Frigate,
        *,
        auth: Auth | None = None,
        tls: ssl.SSLContext | None = None,
        base_path: str = "",
        clock_offset: float = 0,
        port: int = 0,
    ) -> None:
        """Make one that does not listen yet."""
        self.frigate = frigate
        self.auth = auth
        self.clock_offset = clock_offset
        self.faults = Faults()
        self.journal = Journal()
        self.live = live.LiveDoor()
        self.port = port
        self._tls = tls
        self._base = base_path.rstrip("/")
        self._api = Api(frigate, auth)
        self._cache: dict[str, tuple[float, Answer]] = {}
        self._runner: web.AppRunner | None = None
        self._stopping = asyncio.Event()

    @property
    def url(self) -> str:
        """What a user types in, once it listens."""
        scheme = "http" if self._tls is None else "https"
        return f"{scheme}://127.0.0.1:{self.port}{self._base}"

    async def start(self) -> None:
        """Listen, on the port it had if it had one."""
        app = web.Application(client_max_size=1024 * 1024)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._stopping.clear()
        runner = web.AppRunner(
            app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True
        )
        await runner.setup()
        site = web.TCPSite(
            runner, "127.0.0.1", self.port, ssl_context=self._tls, reuse_address=True
        )
        await site.start()
        self._runner = runner
        self.port = runner.addresses[0][1]

    async def stop(self) -> None:
        """Listen no more, and break what is open."""
        self._stopping.set()
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()
        self._cache.clear()

    async def __aenter__(self) -> Self:
        """Listen."""
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Listen no more."""
        await self.stop()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        path = request.path
        inside = path.startswith(self._base + "/")
        path = path.removeprefix(self._base) if inside else path
        served = Served(
            at=time.time(),
            method=request.method,
            path=path,
            query=request.query_string,
            headers=request.headers.copy(),
        )
        self.journal.add(served)
        fault = self.faults.take(path) if inside else None
        if inside and path == live.PATH and self.frigate.live:
            return await self._film(request, fault, served)
        if fault is not None and fault.kind is Kind.SILENT:
            await self._hang(fault)
        if inside:
            answer = await self._answer(request, path)
        else:
            answer = Answer.nginx(404, "Not Found")
        whole = answer
        if answer.status == 200 and _is_media(answer):
            self.journal.remember(path, answer.body)
        if fault is not None:
            answer = fault.change(answer)
        served.status = answer.status
        if _is_media(answer):
            self.journal.keep_body(served, answer.body)
        response, sent = await self._send(request, answer, fault)
        served.complete = sent and answer == whole
        return response

    async def _film(
        self, request: web.Request, fault: Fault | None, served: Served
    ) -> web.StreamResponse:
        """Give a live film, through nginx, which looks at the login alone."""
        if not self._is_logged_in(request):
            answer = Answer.nginx(401, "Authorization Required")
        elif fault is not None and fault.kind is Kind.STATUS:
            answer = fault.change(Answer())
        else:
            served.status = 101
            return await self.live.serve(
                request,
                streams={name: name for name in self.frigate.cameras},
                clock=self.frigate.clock,
                stopping=self._stopping,
            )
        served.status = answer.status
        return (await self._send(request, answer, None))[0]

    def _is_logged_in(self, request: web.Request) -> bool:
        if self.auth is None:
            return True
        token = token_of(request.headers.get("Authorization"), request.cookies)
        return token is not None and self.auth.check(token) is not None

    async def _hang(self, fault: Fault) -> None:
        """Do nothing until it is over, or the server stops, or the client has gone."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(fault.seconds):
                await self._stopping.wait()

    async def _answer(self, request: web.Request, path: str) -> Answer:
        user: User | None = None
        if self.auth is not None and path != "/api/login":
            token = token_of(request.headers.get("Authorization"), request.cookies)
            user = self.auth.check(token) if token else None
            if user is None:
                return Answer.nginx(401, "Authorization Required")
        key = request.path_qs
        bypass = request.headers.get("X-Cache-Bypass") == "1"
        if not bypass and request.method == "GET":
            at, cached = self._cache.get(key, (0.0, None))
            if cached is not None and time.monotonic() - at < _CACHE_SECONDS:
                return _with_status(cached, "HIT")
        body = await request.read()
        answer = await self._api.answer(request.method, path, request.query, body, user)
        if answer.status == 200 and answer.content_type == "application/json":
            # nginx keeps what it fetched for one that bypassed it, too.
            self._cache[key] = (time.monotonic(), answer)
            while len(self._cache) > 100:
                del self._cache[next(iter(self._cache))]
        return _with_status(answer, "BYPASS" if bypass else "MISS")

    async def _send(
        self, request: web.Request, answer: Answer, fault: Fault | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send the answer; returns also whether it went to its end."""
        response = web.StreamResponse(status=answer.status)
        response.headers["Date"] = formatdate(
            time.time() + self.clock_offset, usegmt=True
        )
        response.headers["Server"] = "nginx"
        response.headers["Cache-Control"] = "no-store"
        response.headers["Content-Type"] = answer.content_type
        response.headers.update(answer.headers)
        if not answer.chunked:
            response.content_length = len(answer.body)
        elif request.version >= (1, 1):
            response.enable_chunked_encoding()
        await response.prepare(request)
        if request.method != "HEAD":
            await self._send_body(response, answer.body, fault)
            if fault is not None and fault.kind in {Kind.HANG, Kind.RESET}:
                if fault.kind is Kind.HANG:
                    await self._hang(fault)
                if request.transport is not None:
                    request.transport.abort()
                return response, False
        await response.write_eof()
        return response, True

    async def _send_body(
        self, response: web.StreamResponse, body: bytes, fault: Fault | None
    ) -> None:
        size, wait = _CHUNK, 0.0
        match fault:
            case Fault(kind=Kind.HANG | Kind.RESET):
                body = fault.cut(body)
            case Fault(kind=Kind.SLOW):
                size, wait = max(1, int(fault.rate / 10)), 0.1
        for start in range(0, len(body), size):
            await response.write(body[start : start + size])
            if wait:
                await asyncio.sleep(wait)


def _is_media(answer: Answer) -> bool:
    return answer.content_type.startswith(("video/", "image/"))


def _with_status(answer: Answer, status: str) -> Answer:
    return Answer(
        status=answer.status,
        body=answer.body,
        content_type=answer.content_type,
        chunked=answer.chunked,
        headers={**answer.headers, "X-Cache-Status": status},
    )
