"""What the owner types as the address of a server, to a URL that is safe to use."""

import re
from typing import Final

from yarl import URL

MAX_URL: Final = 2000
"""Characters of an address."""

_UPWARDS: Final = re.compile(r"[/\\](\.|%2e){2}([/\\?#]|$)", re.IGNORECASE)


class InvalidUrl(ValueError):
    """The text is not the `http://` or `https://` address of a host."""


def parse_url(text: str) -> URL:
    """Return the URL that was typed: scheme, host, port and path, without more.

    Blanks around it, a query, a fragment and the last slash go. Raises `InvalidUrl`:
    also for one with a user or a password in it, because an address is shown in many
    places, and for a path with a segment that leads upwards.
    """
    text = text.strip()
    if len(text) > MAX_URL or any(
        letter.isspace() or not letter.isprintable() for letter in text
    ):
        raise InvalidUrl("not an http:// or https:// address")
    if _UPWARDS.search(text):
        raise InvalidUrl("the address leads upwards")
    try:
        url = URL(text)
        is_server = url.scheme in {"http", "https"} and url.host and url.port
    except ValueError as err:
        raise InvalidUrl("not an http:// or https:// address") from err
    if not is_server:
        raise InvalidUrl("not an http:// or https:// address")
    if url.user is not None or url.password is not None:
        raise InvalidUrl("user and password have fields of their own")
    path = url.raw_path.rstrip("/")
    return url.with_path(path, encoded=True).with_query(None).with_fragment(None)


def server_of(url: URL) -> tuple[str, str | None, int | None]:
    """Return what tells one server from another: a password is typed for one."""
    host = url.host
    return url.scheme, host.lower() if host else None, url.port


def where(url: URL) -> str:
    """Return the name of a server for an error: host and port, nothing private."""
    return f"{url.host}:{url.port}"
