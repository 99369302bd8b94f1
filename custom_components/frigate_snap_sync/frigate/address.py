"""The user's addresses to URLs that are safe to use and to show."""

from urllib.parse import quote

from yarl import URL

from .errors import InvalidProxy, InvalidUrl

_PAGES = frozenset(
    {
        *("api", "chat", "classification", "config", "events", "explore", "export"),
        *("exports", "faces", "live", "login", "logs", "playground", "replay"),
        *("review", "settings", "storage", "system", "unauthorized"),
    }
)
"""What the address bar shows behind Frigate's own address (0.14 to 0.18)."""


def without_page(text: str) -> str:
    """Return an address from a browser without the page of Frigate's UI.

    `http://frigate:5000/review?id=1` is `http://frigate:5000`, and so is
    `http://frigate:5000/api/version`. What is no URL is only stripped.
    """
    text = text.strip()
    try:
        url = _parse(text)
    except ValueError:
        return text
    segments = url.raw_path.rstrip("/").split("/")
    for number, segment in enumerate(segments):
        if segment == "api" or (segment in _PAGES and number == len(segments) - 1):
            segments = segments[:number]
            break
    url = url.with_query(None).with_fragment(None)
    return str(url.with_path("/".join(segments), encoded=True)).rstrip("/")


def parse_base_url(text: str) -> URL:
    """Return the base URL of a Frigate: scheme, host, port and path, no more.

    The path stays, for a Frigate behind `FRIGATE_BASE_PATH` or a proxy; what
    a browser's address bar adds (query, fragment, last slash) goes.

    Raises:
        InvalidUrl: Not `http(s)://host…`, or a user or password stands in it:
            an address is shown in many places, so those have fields of their own.

    """
    try:
        url = _parse(text)
    except ValueError as err:
        raise InvalidUrl("not an http:// or https:// address") from err
    if url.user is not None or url.password is not None:
        raise InvalidUrl("user and password do not belong into the address")
    return (
        url.with_query(None)
        .with_fragment(None)
        .with_path(url.raw_path.rstrip("/"), encoded=True)
    )


def parse_proxy(text: str) -> URL:
    """Return the URL of an HTTP proxy; user and password may stand in it.

    Raises:
        InvalidProxy: Not `http(s)://host…`.

    """
    try:
        return _parse(text)
    except ValueError as err:
        raise InvalidProxy("not an http:// or https:// address of a proxy") from err


def api_url(base: URL, *segments: str) -> URL:
    """Return the URL of `/api/` and `segments`, each quoted as a whole."""
    return base.joinpath(
        "api", *(quote(segment, safe="") for segment in segments), encoded=True
    )


def live_url(base: URL, stream: str) -> URL:
    """Return the URL of the WebSocket that go2rtc behind Frigate gives a film at."""
    return base.joinpath("live", "mse", "api", "ws", encoded=True).with_query(
        {"src": stream}
    )


def fits_route(*segments: str) -> bool:
    """Return whether names can stand as one segment of a path each.

    Web servers decode a path before they look at it: a quoted slash or dots
    would lead to another resource, so such a name can't be asked for.
    """
    return all(
        segment and segment not in {".", ".."} and not {"/", "\\"} & set(segment)
        for segment in segments
    )


def _parse(text: str) -> URL:
    text = text.strip()
    if any(char.isspace() or not char.isprintable() for char in text):
        raise ValueError("blank in the address")
    url = URL(text)
    if url.scheme not in {"http", "https"} or not url.host or not url.port:
        raise ValueError("scheme or host missing")
    return url
