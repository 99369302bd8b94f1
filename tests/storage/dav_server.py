"""A WebDAV server in this process that can be made to behave badly."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
import hashlib
from html import escape
from typing import Final
from urllib.parse import quote, unquote, urlsplit

from aiohttp import web

from ..harness.processes import free_port

HOST: Final = "127.0.0.1"

type Hook = Callable[[web.BaseRequest], Awaitable[web.StreamResponse | None]]


@dataclass(slots=True)
class Dav:
    """Files and folders in memory; `hook` may answer in the server's place."""

    files: dict[str, bytes] = field(default_factory=dict)
    folders: set[str] = field(default_factory=lambda: {""})
    hook: Hook | None = None
    quota: int | None = None
    says_hash: bool = False
    cuts: bool = False
    """Whether it keeps but half of a file, and says 201."""
    forms: tuple[str, ...] = ("http://", "https://", "/")
    """What a MOVE's target may begin with."""
    asked: list[str] = field(default_factory=list)
    """Methods, in their order."""
    port: int = 0

    @property
    def url(self) -> str:
        """The address."""
        return f"http://{HOST}:{self.port}"

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer."""
        self.asked.append(request.method)
        if self.hook is not None:
            answer = await self.hook(request)
            if answer is not None:
                return answer
        path = unquote(request.rel_url.raw_path).strip("/")
        match request.method:
            case "PROPFIND":
                return self._propfind(path, request.headers.get("Depth", "1"))
            case "MKCOL":
                return self._mkcol(path)
            case "PUT":
                return await self._put(path, request)
            case "MOVE":
                return self._move(path, request)
            case "DELETE":
                known = self._with_all_in_it(path)
                for each in known:
                    self.files.pop(each, None)
                    self.folders.discard(each)
                return web.Response(status=204 if known else 404)
            case "GET" if path in self.files:
                return web.Response(body=self.files[path])
        return web.Response(status=404)

    def _propfind(self, path: str, depth: str) -> web.Response:
        if path in self.files:
            entries = [path]
        elif path in self.folders:
            entries = [path]
            if depth == "1":
                all_ = [*self.folders, *self.files]
                entries += [x for x in all_ if x and x.rpartition("/")[0] == path]
        else:
            return web.Response(status=404)
        body = "".join(map(self._response, entries))
        return web.Response(
            status=207,
            content_type="application/xml",
            text=f'<d:multistatus xmlns:d="DAV:">{body}</d:multistatus>',
        )

    def _response(self, path: str) -> str:
        if path in self.files:
            inside = (
                "<d:resourcetype/>"
                f"<d:getcontentlength>{len(self.files[path])}</d:getcontentlength>"
            )
        else:
            inside = "<d:resourcetype><d:collection/></d:resourcetype>"
        if self.quota is not None:
            inside += f"<d:quota-available-bytes>{self.quota}</d:quota-available-bytes>"
        return (
            f"<d:response><d:href>/{escape(quote(path))}</d:href><d:propstat>"
            f"<d:prop>{inside}</d:prop><d:status>HTTP/1.1 200 OK</d:status>"
            "</d:propstat></d:response>"
        )

    def _mkcol(self, path: str) -> web.Response:
        if path in self.folders or path in self.files:
            return web.Response(status=405)
        if path.rpartition("/")[0] not in self.folders:
            return web.Response(status=409)
        self.folders.add(path)
        return web.Response(status=201)

    async def _put(self, path: str, request: web.BaseRequest) -> web.Response:
        body = bytearray()
        async for piece in request.content.iter_any():
            body += piece
        if path.rpartition("/")[0] not in self.folders:
            return web.Response(status=409)
        kept = bytes(body[: len(body) // 2] if self.cuts else body)
        self.files[path] = kept
        headers = {}
        if self.says_hash and request.headers.get("X-Hash") == "sha256":
            headers["X-Hash-SHA256"] = hashlib.sha256(kept).hexdigest()
        return web.Response(status=201, headers=headers)

    def _move(self, path: str, request: web.BaseRequest) -> web.Response:
        target = request.headers["Destination"]
        if not target.startswith(self.forms):
            return web.Response(status=502)
        new = unquote(urlsplit(target).path).strip("/")
        if not (known := self._with_all_in_it(path)):
            return web.Response(status=404)
        if request.headers.get("Overwrite") == "F" and (
            new in self.files or new in self.folders
        ):
            return web.Response(status=412)
        self.folders.discard(new)
        for each in known:
            name = new + each.removeprefix(path)
            if each in self.files:
                self.files[name] = self.files.pop(each)
            else:
                self.folders.remove(each)
                self.folders.add(name)
        return web.Response(status=201)

    def _with_all_in_it(self, path: str) -> list[str]:
        return [
            each
            for each in (*self.folders, *self.files)
            if each == path or each.startswith(f"{path}/")
        ]


@asynccontextmanager
async def serving(dav: Dav) -> AsyncGenerator[Dav]:
    """Let it answer at an address."""
    runner = web.ServerRunner(
        web.Server(dav, handler_cancellation=True), shutdown_timeout=0.1
    )
    await runner.setup()
    dav.port = free_port()
    await web.TCPSite(runner, HOST, dav.port).start()
    try:
        yield dav
    finally:
        await runner.cleanup()


async def for_ever() -> None:
    """Never answer."""
    await asyncio.sleep(600)
