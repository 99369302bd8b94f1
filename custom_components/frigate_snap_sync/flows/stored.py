"""What the form of a destination can use of its stored data.

A newer version may have stored them, or something was lost: what can't be read is
asked for as if it were new, for its owner must be able to store it again.
"""

from collections.abc import Mapping
from typing import Any

import voluptuous as vol

from homeassistant.data_entry_flow import section

from ..storage.http.address import InvalidUrl, parse_url, server_of


def readable(data: object, fields: Mapping[Any, Any]) -> dict[str, Any]:
    """Return what a form with these fields would take; of all others the texts."""
    if not isinstance(data, Mapping):
        return {}
    checks = {str(marker): check for marker, check in fields.items()}
    found: dict[str, Any] = {}
    for key, value in data.items():
        check = checks.get(key, str)
        if isinstance(check, section):
            found[key] = readable(value, check.schema.schema)
        elif _is_taken(check, value):
            found[key] = value
        elif isinstance(value, list) and _is_taken(check, []):
            found[key] = [each for each in value if _is_taken(check, [each])]
    return found


def is_whole(data: object, schema: vol.Schema) -> bool:
    """Tell whether data are just what the form stores, so that none of it is lost."""
    return _is_taken(schema, data) and schema(data) == data


def stored_server(address: object) -> tuple[str, str | None, int | None] | None:
    """Return the server that a stored secret belongs to; None: it is not known."""
    try:
        return server_of(parse_url(address)) if isinstance(address, str) else None
    except InvalidUrl:
        return None


def _is_taken(check: Any, value: object) -> bool:
    try:
        vol.Schema(check)(value)
    except vol.Invalid:
        return False
    return True
