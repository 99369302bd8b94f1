"""Fields and states are called as Home Assistant calls them everywhere.

Core's integrations refer to its common strings; others can't, and say the same words.
Errors and reasons say more than those, each with its cause.
"""

from collections.abc import Iterator
import json
from pathlib import Path
from typing import Any, Final

import pytest

import homeassistant

from .flow_texts import LANGUAGES, english, leaves, placeholders, texts_of

COMMON: Final[dict[str, Any]] = json.loads(
    (Path(homeassistant.__file__).parent / "strings.json").read_text()
)["common"]
_SAME: Final = {
    "data": COMMON["config_flow"]["data"],
    "state": COMMON["state"],
    "options": COMMON["state"],
}
"""Where our texts have the keys of common strings."""


def _shared(texts: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield the place and text of what has a common string, and that."""
    for path, text in leaves(texts):
        *_, parent, key = ("", *path)
        if (common := _SAME.get(parent, {}).get(key)) is not None:
            yield ".".join(path), text, common


def test_fields_and_states_are_called_as_everywhere() -> None:
    """In English, which Home Assistant brings along."""
    shared = list(_shared(english()))
    assert {place.rpartition(".")[2] for place, _, _ in shared} >= {
        *("host", "name", "password", "path", "port", "url", "username", "verify_ssl"),
        "paused",
    }
    assert [one for one in shared if one[1] != one[2]] == []


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_what_is_the_same_in_english_is_the_same(language: str) -> None:
    """A field is not called one thing in one form, and another in the next."""
    found: dict[str, set[str]] = {}
    for path, text in leaves(texts_of(language)):
        if len(path) > 1 and path[-2] == "data" and path[-1] in _SAME["data"]:
            found.setdefault(path[-1], set()).add(text)
    assert {key: texts for key, texts in found.items() if len(texts) > 1} == {}


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_titles_of_a_login_name_the_entry(language: str) -> None:
    """There may be several."""
    title = texts_of(language)["config"]["step"]["reauth_confirm"]["title"]
    assert placeholders(title) == {"name"}
