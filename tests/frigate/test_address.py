"""Addresses that users type."""

import pytest
from yarl import URL

from custom_components.frigate_snap_sync.frigate.address import (
    api_url,
    fits_route,
    parse_base_url,
    parse_proxy,
    without_page,
)
from custom_components.frigate_snap_sync.frigate.errors import InvalidProxy, InvalidUrl


@pytest.mark.parametrize(
    ("text", "version_url"),
    [
        ("http://frigate:5000", "http://frigate:5000/api/version"),
        (" http://frigate:5000/ \n", "http://frigate:5000/api/version"),
        ("https://nvr.example:8971", "https://nvr.example:8971/api/version"),
        ("https://nvr.example", "https://nvr.example/api/version"),
        ("HTTP://192.0.2.7:5000", "http://192.0.2.7:5000/api/version"),
        ("http://[2001:db8::1]:5000", "http://[2001:db8::1]:5000/api/version"),
        ("http://ccab4aaf-frigate:5000", "http://ccab4aaf-frigate:5000/api/version"),
        ("https://home.example/nvr", "https://home.example/nvr/api/version"),
        ("https://home.example/a/b//", "https://home.example/a/b/api/version"),
        ("https://home.example/a%20b/", "https://home.example/a%20b/api/version"),
        ("http://frigate:5000/?x=1#/review", "http://frigate:5000/api/version"),
        ("http://überwachung:5000", "http://xn--berwachung-8db:5000/api/version"),
    ],
)
def test_base_url(text: str, version_url: str) -> None:
    """The path is kept, what a browser adds is not."""
    assert str(api_url(parse_base_url(text), "version")) == version_url


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("http://frigate:5000/", "http://frigate:5000"),
        ("http://frigate:5000/review?id=1.2-abc", "http://frigate:5000"),
        ("http://frigate:5000/api/version", "http://frigate:5000"),
        ("https://home.example/nvr/explore/", "https://home.example/nvr"),
        ("https://home.example/nvr/api", "https://home.example/nvr"),
        ("http://frigate:5000/#front_door", "http://frigate:5000"),
        # A base path may be called like a page: only the last segment is one.
        ("https://home.example/live/nvr", "https://home.example/live/nvr"),
        ("https://me:secret@frigate/review", "https://me:secret@frigate"),
        (" frigate/review ", "frigate/review"),
    ],
)
def test_page_of_the_ui(text: str, address: str) -> None:
    """An address from the browser's bar loses the page that it shows."""
    assert without_page(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "frigate",
        "frigate:5000",
        "192.0.2.7",
        "ftp://frigate",
        "mqtt://frigate",
        "http://",
        "http://:5000",
        "http:///path",
        "http:frigate",
        "http://frigate:99999",
        "http://frigate:0",
        "http://frigate:port",
        "http://fri gate:5000",
        "http://frigate\r\nHost: x",
        "http://[::1",
        "file:///etc/passwd",
        "/api",
    ],
)
def test_no_base_url(text: str) -> None:
    """No host, another scheme, or nothing that is an address."""
    with pytest.raises(InvalidUrl, match="not an http:// or https:// address"):
        parse_base_url(text)


@pytest.mark.parametrize("user", ["anna", "anna:secret", ":secret"])
def test_base_url_with_a_log_in(user: str) -> None:
    """An address is shown to people: no place for a password."""
    with pytest.raises(InvalidUrl, match="do not belong") as error:
        parse_base_url(f"http://{user}@frigate:5000")
    assert "secret" not in str(error.value)


def test_proxy() -> None:
    """A proxy may have a login."""
    assert parse_proxy("http://anna:secret@proxy:3128").password == "secret"
    with pytest.raises(InvalidProxy) as error:
        parse_proxy("socks5://anna:secret@proxy")
    assert "secret" not in str(error.value)
    assert issubclass(InvalidProxy, InvalidUrl)
    assert issubclass(InvalidUrl, ValueError)


@pytest.mark.parametrize(
    ("name", "quoted"),
    [
        ("back-yard_2", "back-yard_2"),
        ("1795336633.5-abc", "1795336633.5-abc"),
        ("a b", "a%20b"),
        ("a?b#c", "a%3Fb%23c"),
        ("a%2Fb", "a%252Fb"),
        ("Höfe", "H%C3%B6fe"),
        ("a&b=c;d+e", "a%26b%3Dc%3Bd%2Be"),
    ],
)
def test_names_are_quoted(name: str, quoted: str) -> None:
    """A name is one segment of the path, whatever is in it."""
    url = api_url(URL("http://frigate:5000/nvr"), name, "recordings")

    assert fits_route(name)
    assert str(url) == f"http://frigate:5000/nvr/api/{quoted}/recordings"


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../config", "a\\b"])
def test_names_that_fit_no_route(name: str) -> None:
    """Such a name would lead elsewhere."""
    assert not fits_route("front_door", name)
