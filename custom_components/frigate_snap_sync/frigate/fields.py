"""Careful reading of single values out of JSON that anybody may have written."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
import json
import math
import re
from typing import Final

from .errors import MalformedMessage

MAX_ID_LENGTH: Final = 128
MAX_CAMERA_LENGTH: Final = 128
MAX_LABEL_LENGTH: Final = 128
MAX_LABELS: Final = 64
"""Labels or zones of one item; more than any scene has, small enough to store."""

MOST_LABELS: Final = 1000
"""Labels or zones of one message or row that are looked at."""

UNKNOWN_LABEL: Final = "unknown"
"""What stands for a label of which nothing readable is left."""

MAX_TIME: Final = 32_503_680_000.0
"""The year 3000. Frigate 0.16+ sends 9223372036854775807 for "not known yet"."""

_MAX_RAW: Final = 8 * MAX_LABEL_LENGTH
"""Characters of a label that are looked at: a message may hold a million."""

_LIST: Final = re.compile(r"[ \t\n\r]*+\[[ \t\n\r]*+")
_COMMA: Final = re.compile(r"[ \t\n\r]*+,[ \t\n\r]*+")
_END: Final = re.compile(r"[ \t\n\r]*+\][ \t\n\r]*+\Z")


def decode_json(data: bytes, *, limit: int) -> object:
    """Return the value in the UTF-8 JSON text `data` of at most `limit` bytes.

    Raises `MalformedMessage`, also for nesting deeper than Python can follow.
    """
    _check_size(data, limit)
    with _json_errors():
        value: object = json.loads(data.decode())
    return value


def decode_rows(data: bytes, *, limit: int) -> Iterator[object]:
    """Yield the elements of the JSON list `data`, one decoded at a time.

    For use in a thread: decoding a large document at once would hold up all
    others. Raises `MalformedMessage` as `decode_json` does, and for no list,
    perhaps only after some elements.
    """
    _check_size(data, limit)
    decode = json.JSONDecoder().raw_decode
    with _json_errors():
        text = data.decode()
        if (found := _LIST.match(text)) is None:
            raise MalformedMessage("no JSON list")
        position = found.end()
        if _END.match(text, position) is not None:
            return
        while True:
            row, position = decode(text, position)
            yield row
            if (found := _COMMA.match(text, position)) is None:
                break
            position = found.end()
        if _END.match(text, position) is None:
            raise MalformedMessage("not JSON")


def _check_size(data: bytes, limit: int) -> None:
    if len(data) > limit:
        raise MalformedMessage(f"{len(data)} bytes of JSON, more than {limit}")


@contextmanager
def _json_errors() -> Iterator[None]:
    try:
        yield
    except MalformedMessage:
        raise
    except UnicodeDecodeError as err:
        raise MalformedMessage("not UTF-8") from err
    except ValueError as err:
        raise MalformedMessage("not JSON") from err
    except RecursionError as err:
        raise MalformedMessage("JSON nested too deeply") from err


def as_mapping(value: object, what: str) -> Mapping[str, object]:
    """Return `value` if it is a JSON object, else raise `MalformedMessage`."""
    if not isinstance(value, dict):
        raise MalformedMessage(f"{what} is no object")
    return value


def mapping_or_empty(value: object) -> Mapping[str, object]:
    """Return `value` if it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def text_or_none(value: object, *, limit: int) -> str | None:
    """Return `value` if it is a clean text of 1 to `limit` characters, else None.

    Clean: no control, format or line characters, and nothing that UTF-8 can't
    carry; a space is fine ("traffic light"), blanks alone are not.
    """
    if not isinstance(value, str) or len(value) > limit:
        return None
    return value if value.isprintable() and value.strip() else None


def require_text(value: object, what: str, *, limit: int) -> str:
    """Return `value` if it is a clean text, else raise `MalformedMessage`."""
    if (text := text_or_none(value, limit=limit)) is None:
        raise MalformedMessage(f"{what} is missing or no usable text")
    return text


def clean_text(text: str) -> str:
    """Return a label or zone as one line of at most 128 plain characters.

    Line breaks and other blanks become spaces; control, direction and invisible
    characters go, as does what UTF-8 can't carry. The same text always gives the
    same result, so that the label in a topic and the one in the API agree. Empty
    if nothing is left.
    """
    raw = text[:_MAX_RAW]
    if not raw.isprintable():
        raw = "".join(
            char if char.isprintable() else " " if char.isspace() else ""
            for char in raw
        )
    return raw.strip()[:MAX_LABEL_LENGTH].rstrip()


def label_of(value: object) -> str:
    """Return a label that can be used, whatever Frigate's model calls the thing.

    A label is never a reason to drop what it stands for: where there is no
    readable text it is `unknown`.
    """
    return (clean_text(value) if isinstance(value, str) else "") or UNKNOWN_LABEL


def time_or_none(value: object) -> float | None:
    """Return `value` in epoch seconds if it is a number that can be a time.

    Frigate sends ints as well as floats. Whatever is not a number from 1970 up
    to the year 3000 is None.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not 0 <= value <= MAX_TIME:  # also false for NaN
        return None
    return float(value)


def require_time(value: object, what: str) -> float:
    """Return `value` in epoch seconds, else raise `MalformedMessage`."""
    if (time := time_or_none(value)) is None:
        raise MalformedMessage(f"{what} is missing or no usable time")
    return time


def number_or_none(value: object) -> float | None:
    """Return `value` if it is a finite number, else None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def texts(value: object, *, most: int = MAX_LABELS) -> Iterator[str]:
    """Yield the first `most` different texts of a JSON list, cleaned.

    What is no text is left out, and so is a text of which nothing readable is left.
    """
    seen: set[str] = set()
    for item in value if isinstance(value, list) else ():
        text = clean_text(item) if isinstance(item, str) else ""
        if text and text not in seen:
            seen.add(text)
            yield text
            if len(seen) >= most:
                return


def names(value: object) -> Iterator[str]:
    """Yield the names in a sub label, or in a JSON list of them, cleaned.

    Frigate 0.14+: one text may hold several, with commas between ("Anna, Bob").
    """
    for text in value if isinstance(value, list) else (value,):
        if isinstance(text, str):
            yield from texts(text.split(","))
