"""The `config.yaml` of the stand-alone program of the same name, read. All pure."""

from collections.abc import Mapping
from dataclasses import dataclass
import re
from typing import Any, Final
from urllib.parse import unquote

import yaml  # type: ignore[import-untyped]  # Home Assistant has no stubs of it.

from ..const import DEFAULT_SFTP_PORT

MAX_BYTES: Final = 64 * 1024
"""Of the text; the program's own example has two thousand."""
_MAX_DESTINATIONS: Final = 32
_MAX_NODES: Final = 1000
_LONGEST_DELAY: Final = 3600
"""Seconds, as in the options."""

_NOTHING: Final = frozenset({"", "~", "null", "Null", "NULL"})
"""What YAML calls no value."""

TOPIC_PREFIX: Final = "mqtt_frigate_topic_prefix"
API_ADDRESS: Final = "frigate_api_address"
API_PROXY: Final = "frigate_api_proxy"
DELAY: Final = "delay_after_startup"
DESTINATIONS: Final = "upload_destinations"
MQTT_KEYS: Final = (
    "mqtt_host",
    "mqtt_port",
    "mqtt_keep_alive_seconds",
    "mqtt_username",
    "mqtt_password",
    "mqtt_client_id",
)
"""What Home Assistant's MQTT integration has instead."""
_KEYS: Final = frozenset(
    {TOPIC_PREFIX, API_ADDRESS, API_PROXY, DELAY, DESTINATIONS, *MQTT_KEYS}
)


_LAST_PORT: Final = 65535
_SERVER: Final = re.compile(
    r"(?P<host>\[[^]]*\]|[^:]*)(?::(?P<port>[0-9]{1,5}))?(?::(?P<path>/.*))?"
)

_FIELDS: Final = frozenset({"host", "identity", "path", "remote-path", "username"})
"""Of destinations in the form of fields."""


class InvalidConfig(Exception):
    """The text is no such configuration: `code` says why, `detail` where."""

    def __init__(self, code: str, detail: str = "") -> None:
        """Keep why."""
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail[:200]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedDestination:
    """A destination of the program: what its form is to suggest.

    `identity` is the path of the key file, whose content is not known here.
    """

    kind: str
    values: Mapping[str, Any]
    identity: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedConfig:
    """What can be taken over, and the keys of what can't."""

    url: str
    proxy: str = ""
    topic_prefix: str = ""
    delay_after_startup: int = 0
    destinations: tuple[ImportedDestination, ...] = ()
    left_out: tuple[str, ...] = ()


def read_config(text: str) -> ImportedConfig:
    """Return what a `config.yaml` says; raises InvalidConfig."""
    values = _mapping(text)
    if unknown := sorted(str(key) for key in values.keys() - _KEYS):
        raise InvalidConfig("unknown_keys", ", ".join(unknown))
    url = _text(values, API_ADDRESS)
    if not url:
        raise InvalidConfig("key_missing", API_ADDRESS)
    typed = _text(values, DELAY) or "0"
    if not re.fullmatch(r"[0-9]{1,9}", typed) or int(typed) > _LONGEST_DELAY:
        raise InvalidConfig("wrong_value", DELAY)
    found = values.get(DESTINATIONS, "")
    if isinstance(found, str) and found in _NOTHING:
        found = []
    if not isinstance(found, list) or len(found) > _MAX_DESTINATIONS:
        raise InvalidConfig("wrong_value", DESTINATIONS)
    return ImportedConfig(
        url=url,
        proxy=_text(values, API_PROXY),
        topic_prefix=_text(values, TOPIC_PREFIX),
        delay_after_startup=int(typed),
        destinations=tuple(_destination(each) for each in found),
        left_out=tuple(key for key in MQTT_KEYS if key in values),
    )


def _mapping(text: str) -> Mapping[Any, Any]:
    """Return the mapping of a YAML text: scalars and lists, no tags, no anchors.

    All scalars are text: the program knows neither dates nor `no`, and reads 010 as 10.
    """
    if len(text.encode(errors="replace")) > MAX_BYTES:
        raise InvalidConfig("too_long")
    try:
        for number, event in enumerate(yaml.parse(text, Loader=yaml.BaseLoader)):
            if number > _MAX_NODES:
                raise InvalidConfig("too_long")
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
                raise InvalidConfig("no_anchors")
            if getattr(event, "tag", None) is not None:
                raise InvalidConfig("no_tags", str(event.tag))
        values = yaml.load(text, Loader=yaml.BaseLoader)
    except yaml.YAMLError as err:
        mark = getattr(err, "problem_mark", None)
        where = str(mark.line + 1) if mark else "?"
        raise InvalidConfig("invalid_yaml", where) from err
    except (ValueError, RecursionError) as err:
        raise InvalidConfig("invalid_yaml", "?") from err
    if not isinstance(values, dict):
        raise InvalidConfig("no_mapping")
    return values


def _text(values: Mapping[Any, Any], key: str) -> str:
    value = values.get(key, "")
    if not isinstance(value, str):
        raise InvalidConfig("wrong_value", key)
    return "" if value in _NOTHING else value.strip()


def _destination(text: object) -> ImportedDestination:
    if isinstance(text, dict) and len(text) == 1:
        # YAML's reading of a blank behind the colon.
        ((kind, rest),) = text.items()
        text = f"{kind}:{rest}" if isinstance(rest, str) else text
    if not isinstance(text, str):
        raise InvalidConfig("wrong_destination")  # Anything may stand in it.
    kind, colon, rest = text.strip().partition(":")
    match kind.lower() if colon else "":
        case "local":
            return _local(rest, text)
        case "sftp":
            return _sftp(rest, text)
        case _:
            shown = f"{kind}:…" if colon else _shown(text)
            raise InvalidConfig("wrong_destination", shown)


def _local(rest: str, text: str) -> ImportedDestination:
    path = rest
    if not rest.startswith("/"):
        path = _fields(rest, text, {"path"}).get("path", "")
    if not path.startswith("/"):
        raise InvalidConfig("wrong_destination", _shown(text))
    return ImportedDestination(kind="local", values={"name": path, "path": path})


def _sftp(rest: str, text: str) -> ImportedDestination:
    head, _, query = rest.partition("?")
    if _is_login(head):
        # sftp:user@host:/folder/?identity=/key/file
        username, _, server = head.rpartition("@")
        host, port, path = _split_server(server)
        username, path, identity = unquote(username), unquote(path), _identity(query)
    else:
        # sftp:username=user;host=example.org;remote-path=/folder;identity=/key/file
        allowed = {"username", "host", "remote-path", "identity"}
        fields = _fields(rest, text, allowed)
        username, path = fields.get("username", ""), fields.get("remote-path", "")
        identity = fields.get("identity", "")
        host, port, _ = _split_server(fields.get("host", ""))
    # A password is no part of it: where one stands it must not be kept, or shown.
    if not (username and host and port and path.startswith("/")) or ":" in username:
        raise InvalidConfig("wrong_destination", _shown(text))
    return ImportedDestination(
        kind="sftp",
        values={
            "name": host,
            "host": host,
            "port": port,
            "username": username,
            "path": path,
        },
        identity=identity,
    )


def _is_login(text: str) -> bool:
    """Tell whether it is user@host:/folder/, and no list of fields."""
    user, at, server = text.partition("@")
    return bool(at) and ";" not in user and not (";" in server and "=" in server)


def _split_server(server: str) -> tuple[str, int, str]:
    """Return host, port and path; an IPv6 address may stand in brackets.

    No host where it is no server, and port 0 where that is none.
    """
    if not server.startswith("[") and server.count("::") == 1:
        # An address with neither port nor path.
        return server, DEFAULT_SFTP_PORT, ""
    if (found := _SERVER.fullmatch(server)) is None:
        return "", 0, ""
    port = int(found["port"] or DEFAULT_SFTP_PORT)
    return (
        found["host"].strip("[]"),
        port if port <= _LAST_PORT else 0,
        found["path"] or "",
    )


def _identity(query: str) -> str:
    """Return the path of the key file; a plus in it is a plus."""
    pairs = (pair.partition("=") for pair in query.split("&"))
    return next((unquote(value) for key, _, value in pairs if key == "identity"), "")


def _fields(rest: str, text: str, allowed: set[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in rest.split(";"):
        if not pair.strip():
            continue
        key, equals, value = pair.partition("=")
        if not equals or key.strip() not in allowed or key.strip() in found:
            raise InvalidConfig("wrong_destination", _shown(text))
        found[key.strip()] = value.strip()
    return found


def _shown(text: str) -> str:
    """Return a destination as an error may name it: without what may be a password."""
    text = text.partition("?")[0]
    kind, colon, rest = text.partition(":")
    if _is_login(rest):
        login, _, server = rest.rpartition("@")
        user, secret, _ = unquote(login).partition(":")
        rest = f"{user}{secret and ':…'}@{server}"
    elif ";" in rest or "=" in rest:
        rest = ";".join(_shown_field(pair) for pair in rest.split(";"))
    return f"{kind}{colon}{rest}"[:80]


def _shown_field(pair: str) -> str:
    """Return one of a destination's fields: the value only if it is none to hide."""
    key, equals, value = pair.partition("=")
    if not equals:
        return "…" if key.strip() else ""
    user, secret, _ = value.partition(":")
    match key.strip():
        case "username":
            return f"{key}={user}{secret and ':…'}"
        case name if name in _FIELDS:
            return pair
    return f"{key.partition(':')[0]}=…"
