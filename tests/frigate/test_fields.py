"""JSON that is decoded row by row, as it would be at once."""

import json

import pytest

from custom_components.frigate_snap_sync.frigate.errors import MalformedMessage
from custom_components.frigate_snap_sync.frigate.fields import decode_rows


def rows(text: str) -> list[object]:
    """Decode a list."""
    return list(decode_rows(text.encode(), limit=500_000))


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        " [ ] ",
        "[1]",
        '[1,2 , "]," ,[3],\n{"a": [4, {}]}]\r\n',
        "\t[null,true,1.5e3,-0]",
        '["\\u00e4\\"", "ä"]',
    ],
)
def test_lists(text: str) -> None:
    """The same elements."""
    assert rows(text) == json.loads(text)


@pytest.mark.parametrize(
    "text",
    [
        "[1",
        "[1,]",
        "[,1]",
        "[1 2]",
        "[1]]",
        "[1] 2",
        "[",
        "",
        "]",
        "[1;2]",
        "[1,",
        "[a]",
    ],
)
def test_what_is_no_json(text: str) -> None:
    """Refused as well, if only at its end."""
    with pytest.raises(ValueError, match="Exp|Extra|Illegal"):
        json.loads(text)
    with pytest.raises(MalformedMessage, match="not JSON|no JSON list"):
        rows(text)


def test_what_can_not_be_decoded() -> None:
    """Each with its reason."""
    for data, reason in (
        (b"[\xff]", "not UTF-8"),
        (b"[" * 200_000, "nested too deeply"),
        (b"[" + b"9" * 5000 + b"]", "not JSON"),
        (b"{}", "no JSON list"),
        (bytes(500_001), "more than 500000"),
    ):
        with pytest.raises(MalformedMessage, match=reason):
            list(decode_rows(data, limit=500_000))
