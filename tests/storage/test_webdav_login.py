"""Logging in to a WebDAV server."""

import asyncio

from aiohttp import web
import pytest

from custom_components.frigate_snap_sync.storage.errors import AuthFailed, Unusable
from custom_components.frigate_snap_sync.storage.webdav.login import (
    Challenge,
    Login,
    digest,
    parse_challenges,
)
from custom_components.frigate_snap_sync.storage.webdav.settings import WebdavSettings

from ..harness.webdav import PASSWORD, USERNAME, ApacheDigest
from .conftest import MakeSource
from .dav_server import Dav
from .test_webdav import MIB, Sessions, dav, put, sessions

__all__ = ["dav", "sessions"]


async def test_one_try_to_log_in_for_all(
    dav: Dav, sessions: Sessions, make_source: MakeSource
) -> None:
    """Ten uploads at once ask a server once with a password that it refuses."""
    tried = 0

    async def hook(request: web.BaseRequest) -> web.StreamResponse:
        nonlocal tried
        tried += "Authorization" in request.headers
        return web.Response(status=401, headers={"WWW-Authenticate": "Basic realm=x"})

    dav.hook = hook
    destination = sessions.to(dav.url, username="u", password="secret-word")
    source = make_source(10)
    puts = [destination.put(str(n), source, temporary=f"{n}.tmp") for n in range(10)]
    results = await asyncio.gather(*puts, return_exceptions=True)
    assert all(type(result) is AuthFailed for result in results)
    assert not any("secret-word" in repr(result) for result in results)
    assert "secret-word" not in repr(
        WebdavSettings(url=dav.url, password="secret-word")
    )
    assert tried == 1


async def test_digest_with_stale_nonces(
    sessions: Sessions, make_source: MakeSource
) -> None:
    """A nonce that is over is followed by a new one, also in the middle of files."""
    server = ApacheDigest()
    server.nonce_lifetime = 1  # type: ignore[misc]
    await server.start()
    try:
        destination = sessions.to(server.url, username=USERNAME, password=PASSWORD)
        for _ in range(3):
            await put(destination, make_source(3 * MIB))
            await asyncio.sleep(1.2)
        assert (await destination.stat("a/file")) is not None
    finally:
        server.remove()


def test_challenges() -> None:
    """Several in one header or in several, with quotes and commas inside."""
    found = parse_challenges(
        [
            'Digest realm="a, \\"b\\"", nonce="n==", qop="auth,auth-int", stale=TRUE, '
            'Basic realm="x"',
            "Negotiate",
        ]
    )
    assert [each.scheme for each in found] == ["digest", "basic", "negotiate"]
    assert found[0].values == {
        "realm": 'a, "b"',
        "nonce": "n==",
        "qop": "auth,auth-int",
        "stale": "TRUE",
    }
    assert [each.is_known for each in found] == [True, True, False]


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        (
            "SHA-256",
            "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
        ),
    ],
)
def test_digest_as_in_its_rfc(algorithm: str, response: str) -> None:
    """The example of RFC 7616, section 3.9.1."""
    challenge = Challenge(
        "digest",
        {
            "realm": "http-auth@example.org",
            "qop": "auth, auth-int",
            "algorithm": algorithm,
            "nonce": "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
            "opaque": "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS",
        },
    )
    header = digest(
        challenge,
        "Mufasa",
        "Circle of Life",
        method="GET",
        target="/dir/index.html",
        count=1,
        client_nonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
    )
    assert f'response="{response}"' in header
    assert "nc=00000001" in header


def test_login() -> None:
    """Nothing before it is asked; Digest before Basic; a new nonce, no new password."""
    login = Login("u", "p")
    assert login.header("GET", "/") is None
    assert login.refused(['Basic realm="x"', 'Digest realm="x", nonce="1"'], None)
    first = login.challenge
    assert first is not None
    assert first.scheme == "digest"
    assert not login.refused(['Digest realm="x", nonce="2"'], first)
    login.succeed(first)
    assert login.refused(['Digest realm="x", nonce="2"'], first)
    assert login.refused(['Digest realm="x", nonce="3"'], first)  # learned meanwhile
    assert not login.refused(['Basic realm="x"'], login.challenge)
    assert not Login("", "").refused(['Basic realm="x"'], None)
    assert not Login("u", "p").refused(["Bearer"], None)


async def test_a_stored_user_that_no_header_can_hold(
    dav: Dav, sessions: Sessions
) -> None:
    """A named cause, and nothing is sent with it."""

    async def hook(request: web.BaseRequest) -> web.StreamResponse:
        assert "Authorization" not in request.headers
        asked = 'Digest realm="r", nonce="n", qop="auth"'
        return web.Response(status=401, headers={"WWW-Authenticate": asked})

    dav.hook = hook
    destination = sessions.to(dav.url, username="a\nb", password="secret")
    with pytest.raises(Unusable):
        await destination.connect()
