"""The login: when it happens, when it does not, and how often."""

import asyncio
import base64
from collections.abc import Callable
from email.utils import formatdate
import json
import time

from aiohttp import web
import pytest

from custom_components.frigate_snap_sync.frigate.auth import jwt_claims
from custom_components.frigate_snap_sync.frigate.client import FrigateClient
from custom_components.frigate_snap_sync.frigate.errors import (
    FrigateAuthFailed,
    FrigateError,
    FrigateForbidden,
    FrigateServerError,
    FrigateTlsError,
    FrigateUnreachable,
    NotFrigate,
)

from .conftest import MakeClient, SteadyClock
from .recorded import VERSIONS, Reply, reply
from .server import FakeServer, Handler, abort, as_bytes, as_json, page, respond

LOGIN = "/api/login"
VERSION = "/api/version"


def make_jwt(**claims: object) -> str:
    """Return a token; nobody looks at its signature here."""

    def part(document: object) -> str:
        raw = json.dumps(document).encode()
        return base64.urlsafe_b64encode(raw).decode().rstrip("=")

    return f"{part({'alg': 'HS256', 'typ': 'JWT'})}.{part(claims)}.c2ln"


def recorded_token(version: str) -> str:
    """Return the token in the recorded answer to a login."""
    cookie = reply(version, "login-ok").headers["set-cookie"]
    return cookie.partition("=")[2].partition(";")[0]


def login_answer(cookies: dict[str, str], **headers: str) -> Handler:
    """Return the answer to a login that sets cookies."""

    async def handle(request: web.Request) -> web.Response:
        response = web.Response(headers=headers)
        for name, value in cookies.items():
            response.set_cookie(name, value)
        return response

    return handle


class Gate:
    """A Frigate that knows which tokens it gave, and answers accordingly."""

    def __init__(self, server: FakeServer, **claims: object) -> None:
        """Take over the server's login and version."""
        self.claims = {"sub": "admin", "role": "admin"} | claims
        self.valid: set[str] = set()
        self.given = 0
        self.begun = asyncio.Event()
        self.held = asyncio.Event()
        self.held.set()
        self.headers: dict[str, str] = {}
        server.answer(LOGIN, self._login)
        server.answer(VERSION, self._version)

    async def _login(self, request: web.Request) -> web.Response:
        self.begun.set()
        await self.held.wait()
        document = await request.json()
        if document != {"user": "admin", "password": "adminpassword"}:
            return respond(reply("0.17.2", "login-wrong-password"))
        self.given += 1
        token = make_jwt(**self.claims, number=self.given)
        self.valid.add(token)
        response = web.Response(headers=self.headers)
        response.set_cookie("theme", "dark")
        response.set_cookie("my_cookie", token)
        return response

    async def _version(self, request: web.Request) -> web.Response:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if token not in self.valid:
            return respond(reply("0.17.2", "auth-no-token"))
        return respond(reply("0.17.2", "version"))


@pytest.fixture
def user(server: FakeServer, make_client: MakeClient) -> FrigateClient:
    """Return a client that logs in."""
    return make_client(server.url, username="admin", password="adminpassword")


@pytest.fixture
def advance(clock: SteadyClock) -> Callable[[float], None]:
    """Return a function that lets time pass for the user's client."""
    return clock.advance


@pytest.mark.parametrize("version", VERSIONS)
async def test_recorded_log_in(
    server: FakeServer, user: FrigateClient, version: str
) -> None:
    """Name and password for a cookie, whose value is the token."""
    server.record(version)
    server.record(version, "login-ok")

    await user.version()
    await user.config()

    (login,) = server.asked_for(LOGIN)
    assert login.method == "POST"
    assert json.loads(login.body) == {"user": "admin", "password": "adminpassword"}
    assert login.bearer is None
    assert {asked.bearer for asked in server.asked if asked is not login} == {
        recorded_token(version)
    }
    assert not any("Cookie" in asked.headers for asked in server.asked)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", ["login-wrong-password", "login-unknown-user"])
async def test_refused_log_in(
    server: FakeServer, user: FrigateClient, version: str, name: str
) -> None:
    """It is not tried again at once."""
    server.record(version, name)

    for _ in range(5):
        with pytest.raises(FrigateAuthFailed, match="password is wrong"):
            await user.version()
    assert len(server.asked) == 1


async def test_refused_log_in_is_tried_again_later(
    server: FakeServer, user: FrigateClient, advance: Callable[[float], None]
) -> None:
    """The password may have been set right meanwhile."""
    server.answer(LOGIN, reply("0.17.2", "login-wrong-password"))
    with pytest.raises(FrigateAuthFailed):
        await user.version()
    Gate(server)
    advance(899)
    with pytest.raises(FrigateAuthFailed):
        await user.version()
    advance(2)
    await user.version()
    assert len(server.asked_for(LOGIN)) == 2


async def test_new_credentials_are_tried_at_once(
    server: FakeServer, make_client: MakeClient
) -> None:
    """What was refused was the old password."""
    Gate(server)
    with pytest.raises(FrigateAuthFailed):
        await make_client(server.url, username="admin", password="wrong").version()
    await make_client(server.url, username="admin", password="adminpassword").version()


async def test_refused_log_in_of_0_14(server: FakeServer, user: FrigateClient) -> None:
    """0.14 calls a wrong password a bad request."""
    server.answer(LOGIN, as_json({"message": "Login failed"}, 400))

    with pytest.raises(FrigateAuthFailed, match="password is wrong"):
        await user.version()


@pytest.mark.parametrize("version", VERSIONS)
async def test_log_in_wanted(
    server: FakeServer, client: FrigateClient, version: str
) -> None:
    """No name was given, but Frigate wants one."""
    server.fallback = reply(version, "auth-no-token")

    with pytest.raises(FrigateAuthFailed, match="wants a user name"):
        await client.version()
    assert len(server.asked) == 1


async def every_request(client: FrigateClient) -> list[BaseException | object]:
    """Make one of each kind of request; return what came out of them."""

    async def write(data: bytes) -> None:
        raise AssertionError("there is no footage")

    return await asyncio.gather(
        client.version(),
        client.config(),
        client.uptime(),
        client.review("1795336200.1-abcdef"),
        client.reviews(after=0, before=1),
        client.event("1795336200.1-abcdef"),
        client.events(after=0, before=1, limit=1),
        client.recordings("front_door", after=0, before=1),
        client.snapshot("1795336200.1-abcdef"),
        client.clip("front_door", start=0, end=1, write=write),
        return_exceptions=True,
    )


@pytest.mark.parametrize("log_in", ["none", "wrong", "switched off", "token"])
async def test_whoever_is_refused_does_not_knock_again(
    server: FakeServer,
    make_client: MakeClient,
    advance: Callable[[float], None],
    log_in: str,
) -> None:
    """Whatever is asked for: one try in 15 minutes, or the owner is banned."""
    server.fallback = reply("0.17.2", "auth-no-token")
    if log_in == "wrong":
        server.answer(LOGIN, reply("0.17.2", "login-wrong-password"))
    if log_in == "switched off":
        server.answer(LOGIN, as_json({"message": "Authentication is disabled"}, 404))
    if log_in == "token":
        server.record("0.17.2", "login-ok")
    name = {} if log_in == "none" else {"username": "admin", "password": "x"}
    client = make_client(server.url, **name)
    with pytest.raises(FrigateAuthFailed):
        await client.version()
    one_try = len(server.asked)
    for _ in range(5):
        advance(170)
        results = await every_request(client)
        assert {type(result) for result in results} == {FrigateAuthFailed}
    assert len(server.asked) == one_try
    advance(60)
    with pytest.raises(FrigateAuthFailed):
        await client.version()
    assert one_try < len(server.asked) <= 2 * one_try


async def test_no_password(server: FakeServer, make_client: MakeClient) -> None:
    """A name without a password is still a login."""
    server.answer(LOGIN, reply("0.17.2", "login-wrong-password"))

    with pytest.raises(FrigateAuthFailed):
        await make_client(server.url, username="admin").version()
    assert json.loads(server.asked[0].body) == {"user": "admin", "password": ""}


async def test_log_in_switched_off(server: FakeServer, user: FrigateClient) -> None:
    """Then there is no token, and none is needed."""
    server.record("0.17.2")
    server.answer(LOGIN, as_json({"message": "Authentication is disabled"}, 404))

    await asyncio.gather(*(user.version() for _ in range(3)))
    await user.version()
    assert len(server.asked_for(LOGIN)) == 1
    assert not any(asked.bearer for asked in server.asked)


async def test_log_in_switched_on_again(
    server: FakeServer, user: FrigateClient
) -> None:
    """A 401 tells that it is wanted after all."""
    server.record("0.17.2")
    server.answer(LOGIN, as_json({"message": "Authentication is disabled"}, 404))
    await user.version()

    Gate(server)
    await user.version()
    assert server.asked[-1].bearer is not None


async def test_log_in_switched_off_but_wanted(
    server: FakeServer, user: FrigateClient
) -> None:
    """A server that contradicts itself is not asked for ever."""
    server.answer(LOGIN, as_json({"message": "Authentication is disabled"}, 404))
    server.answer(VERSION, reply("0.17.2", "auth-no-token"))

    with pytest.raises(FrigateAuthFailed):
        await user.version()
    assert len(server.asked) == 4


async def test_token_that_is_refused(server: FakeServer, user: FrigateClient) -> None:
    """After a 401 there is one new login, and the request is made again."""
    gate = Gate(server)
    await user.version()
    gate.valid.clear()

    await user.version()

    assert gate.given == 2
    assert len(server.asked_for(VERSION)) == 3


async def test_token_that_is_always_refused(
    server: FakeServer, user: FrigateClient, advance: Callable[[float], None]
) -> None:
    """One new login, then not for a while."""
    gate = Gate(server)
    server.answer(VERSION, reply("0.17.2", "auth-bearer-tampered"))

    for _ in range(3):
        with pytest.raises(FrigateAuthFailed, match="refuses the token"):
            await user.version()
    assert gate.given == 2
    assert len(server.asked_for(VERSION)) == 2

    advance(901)
    with pytest.raises(FrigateAuthFailed):
        await user.version()
    assert gate.given == 4


@pytest.mark.parametrize("at_once", [2, 10])
async def test_one_log_in_at_a_time(
    server: FakeServer, user: FrigateClient, at_once: int
) -> None:
    """Many requests at the start, or after a 401, share one."""
    gate = Gate(server)
    gate.held.clear()
    asking = asyncio.gather(*(user.version() for _ in range(at_once)))
    await gate.begun.wait()
    gate.held.set()
    await asking
    assert gate.given == 1

    gate.valid.clear()
    await asyncio.gather(*(user.version() for _ in range(at_once)))
    assert gate.given == 2


async def test_failure_is_shared(server: FakeServer, user: FrigateClient) -> None:
    """Who waited for a login that failed does not wait for another one."""

    begun, held = asyncio.Event(), asyncio.Event()

    async def hang(request: web.Request) -> web.StreamResponse:
        begun.set()
        await held.wait()
        return await abort(request)

    server.answer(LOGIN, hang)

    asking = asyncio.gather(*(user.version() for _ in range(5)), return_exceptions=True)
    await begun.wait()
    held.set()
    results = await asking
    assert {type(result) for result in results} == {FrigateUnreachable}
    assert len(server.asked_for(LOGIN)) == 1

    Gate(server)
    await user.version()


async def test_cancelled_log_in(server: FakeServer, user: FrigateClient) -> None:
    """Who waited goes on with it."""
    gate = Gate(server)
    gate.held.clear()
    first = asyncio.create_task(user.version())
    await gate.begun.wait()
    second = asyncio.create_task(user.version())
    await asyncio.sleep(0)  # It runs as far as it can.
    first.cancel()
    await asyncio.wait({first})
    gate.held.set()

    assert await second
    assert first.cancelled()


@pytest.mark.parametrize("version", VERSIONS)
async def test_expiry_by_frigates_clock(
    server: FakeServer,
    user: FrigateClient,
    advance: Callable[[float], None],
    version: str,
) -> None:
    """A token is good for a day from its own `Date`, and renewed a minute before.

    By this machine's clock it has been over for long, or is years ahead.
    """
    server.record(version)
    recorded = reply(version, "login-ok")

    async def login(request: web.Request) -> web.Response:
        response = respond(recorded)
        response.headers["Date"] = recorded.headers["date"]
        return response

    server.answer(LOGIN, login)
    await user.version()
    advance(86_400 - 61 - 5)
    await user.version()
    assert len(server.asked_for(LOGIN)) == 1
    advance(10)
    await user.version()
    assert len(server.asked_for(LOGIN)) == 2


async def test_expiry_of_a_short_token(
    server: FakeServer, user: FrigateClient, advance: Callable[[float], None]
) -> None:
    """A token of ten seconds is renewed after five."""
    gate = Gate(server)
    gate.claims["exp"] = int(time.time()) + 1000 + 10
    gate.headers["Date"] = formatdate(int(time.time()) + 1000, usegmt=True)
    await user.version()
    advance(4)
    await user.version()
    assert gate.given == 1
    advance(2)
    await user.version()
    assert gate.given == 2


@pytest.mark.parametrize(
    "exp",
    [None, True, "soon", 0, -1, float("nan"), float("inf"), 10**400, [], 1.0],
)
async def test_expiry_that_can_not_be(
    server: FakeServer, user: FrigateClient, exp: object
) -> None:
    """Then a 401 tells; no login for every request."""
    gate = Gate(server, exp=exp)
    for _ in range(3):
        await user.version()
    assert gate.given == 1


async def test_expiry_with_an_unreadable_date(
    server: FakeServer, user: FrigateClient
) -> None:
    """The same."""
    gate = Gate(server, exp=time.time() + 1000)
    gate.headers["Date"] = "yesterday"
    for _ in range(3):
        await user.version()
    assert gate.given == 1


@pytest.mark.parametrize(
    ("answer", "error", "text"),
    [
        (page(), NotFrigate, "without a token"),
        (as_bytes(b"", "text/plain"), NotFrigate, "without a token"),
        (login_answer({"session": "abc"}), NotFrigate, "without a token"),
        (login_answer({"session": "a.b.c"}), NotFrigate, "without a token"),
        (as_json({}, 429), FrigateServerError, "no more logins"),
        (reply("0.17.2", "login-bad-body"), FrigateServerError, "status 422"),
        (
            reply("0.17.2", "auth-plain-http-to-tls-port"),
            FrigateTlsError,
            "wants https",
        ),
        (page(403), FrigateForbidden, "status 403"),
        (as_json({"message": "No such user"}, 400), FrigateServerError, "No such"),
        (page(500), FrigateServerError, "status 500"),
        (page(502), FrigateUnreachable, "status 502"),
        (page(302), NotFrigate, "redirected"),
    ],
)
async def test_log_in_at_something_else(
    server: FakeServer,
    user: FrigateClient,
    answer: Reply | Handler,
    error: type[FrigateError],
    text: str,
) -> None:
    """Each cause has its error, none has the password in it."""
    server.answer(LOGIN, answer)

    for _ in range(2):
        with pytest.raises(FrigateError, match=text) as caught:
            await user.version()
        assert type(caught.value) is error
        assert "adminpassword" not in str(caught.value)
    is_starting = isinstance(answer, Reply) and answer.status >= 500
    again = 2 if is_starting or issubclass(error, FrigateUnreachable) else 1
    assert len(server.asked_for(LOGIN)) == again


@pytest.mark.parametrize("version", VERSIONS)
def test_claims_of_recorded_tokens(version: str) -> None:
    """0.16 has a role, 0.17 a moment of issue too."""
    claims = jwt_claims(recorded_token(version))

    assert claims is not None
    assert claims["sub"] == "admin"
    assert isinstance(claims["exp"], int)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "abc",
        "a.b",
        "a.b.c",
        "a.b.c.d",
        "..",
        "not.a.token",
        "e30.e30.sig",
        make_jwt().replace(".", "..", 1),
        "bnVsbA.e30.sig",
        "eyJhbGciOiJIUzI1NiJ9.W10.sig",
        "eyJhbGciOiJIUzI1NiJ9.!!!!.sig",
        "eyJhbGciOiJIUzI1NiJ9./////w.sig",
        "W1tbW1tbW1tbW1tbW1tbW1tb" * 5000 + ".e30.sig",
    ],
)
def test_no_claims(value: str) -> None:
    """Cookies hold all sorts of things."""
    assert jwt_claims(value) is None


async def test_token_among_many_cookies(
    server: FakeServer, user: FrigateClient
) -> None:
    """The name of the cookie is a setting of Frigate."""
    token = make_jwt(sub="admin")
    server.record("0.17.2")
    server.answer(LOGIN, login_answer({"a": "1", "b": "x.y.z", "c": token}))

    await user.version()

    assert server.asked[-1].bearer == token


@pytest.mark.parametrize("path", [LOGIN, VERSION])
async def test_a_redirect_gets_no_secret(
    server: FakeServer, user: FrigateClient, path: str
) -> None:
    """Neither the password nor the token follows one to another host."""
    elsewhere = await FakeServer().start()

    async def redirect(request: web.Request) -> web.Response:
        location = f"{elsewhere.url}{request.path}"
        return web.Response(status=307, headers={"Location": location})

    server.record("0.17.2", "login-ok")
    server.answer(path, redirect)
    with pytest.raises(NotFrigate, match="redirected"):
        await user.version()
    assert server.asked_for(path)
    assert not elsewhere.asked
    await elsewhere.close()
