"""The texts of every other language against the English ones."""

from collections import Counter
import re
from typing import Final

import pytest

from custom_components.frigate_snap_sync.const import DOMAIN
from custom_components.frigate_snap_sync.kinds import KINDS
from homeassistant.core import HomeAssistant
from homeassistant.helpers.translation import async_get_translations

from .flow_texts import LANGUAGES, english, leaves, texts_of

OTHERS: Final = [language for language in LANGUAGES if language != "en"]

SAME_EVERYWHERE: Final = {"Bucket", "Frigate", "ID", "Proxy", "URL"}
"""Names, and words of the field that no language here translates."""

SAME_IN: Final[dict[str, set[str]]] = {
    "de": {
        *("Budget", "Bytes", "Host", "Labels", "Limit", "Live", "Name"),
        *("Passphrase", "Port", "Region", "Snapshot", "Snapshots", "Text", "Upload"),
    },
    "es": {"Bytes", "Host"},
    "fr": {
        *("Budget", "Capture", "Cause", "Destination", "Options", "Port"),
        *("Protection", "Zones"),
    },
    "nl": {
        *(
            "Budget",
            "Bytes",
            "Camera",
            "Host",
            "Item",
            "Labels",
            "Later",
            "Live",
            "Media",
        ),
        *("Snapshot", "Snapshots", "Upload", "Zones", "snapshots", "uploads"),
    },
}
"""Words that are the same in a language as in English."""

ENGLISH: Final = re.compile(
    r"\b(the|and|with|this|that|from|which|your|have|for|again|only|their|until|when"
    r"|does|can't|isn't)\b",
    re.IGNORECASE,
)
"""Words of English sentences that are words of no other language here."""

LINE_OF_A_PHONE: Final = 38
"""Characters of a title that a list of Home Assistant shows 390 pixels wide.

The shortest of all titles that was cut off in a browser had 39; the walk looks at each.
"""

CODE: Final = re.compile(r"```\n.*?\n```|`[^`\n]+`", re.DOTALL)
QUOTED: Final = re.compile(r"„([^“]+)“|‘([^’]+)’|«\s*([^»]+?)\s*»")


def paired(language: str) -> dict[str, tuple[str, str]]:
    """Return each text's path, English and translation."""
    translated = dict(leaves(texts_of(language)))
    return {
        ".".join(path): (text, translated[path])
        for path, text in leaves(english())
        if path in translated
    }


def shape(text: str) -> dict[str, object]:
    """Return what a translation has in common with its text."""
    prose = CODE.sub("", text)
    return {
        "placeholders": Counter(re.findall(r"\{\w+\}", text)),
        "code": Counter(CODE.findall(text)),
        "links": Counter(re.findall(r"\]\(([^)]*)\)", prose)),
        "bold": prose.count("**"),
        "italic": len(re.findall(r"(?<!\*)\*(?!\*)", prose)) // 2,
        "paragraphs": prose.count("\n\n"),
        "rows of tables": prose.count("\n|"),
    }


@pytest.mark.parametrize("language", OTHERS)
def test_every_text_is_translated(language: str) -> None:
    """No text is missing, none is left over, and they are in the same order."""
    wanted = [".".join(path) for path, _ in leaves(english())]
    found = [".".join(path) for path, _ in leaves(texts_of(language))]
    assert set(wanted) - set(found) == set(), "missing"
    assert set(found) - set(wanted) == set(), "left over"
    assert found == wanted


@pytest.mark.parametrize("language", OTHERS)
def test_translations_have_the_shape_of_the_text(language: str) -> None:
    """What is filled in, what is pasted, and what is clicked is all there."""
    wrong = {
        path: [part for part in shape(text) if shape(text)[part] != shape(other)[part]]
        for path, (text, other) in paired(language).items()
    }
    assert {path: parts for path, parts in wrong.items() if parts} == {}


@pytest.mark.parametrize("language", OTHERS)
def test_no_text_is_left_in_english(language: str) -> None:
    """Only placeholders, names, and words that are the same there."""
    same = SAME_EVERYWHERE | SAME_IN.get(language, set())
    left = {
        path: text
        for path, (text, other) in paired(language).items()
        if text == other
        and text not in same
        and not re.fullmatch(r"(\{\w+\}|\W)*", text)
    }
    assert left == {}


@pytest.mark.parametrize("language", OTHERS)
def test_no_english_word_is_left(language: str) -> None:
    """Not even in a sentence that is changed in part."""
    left = {
        path: ENGLISH.findall(CODE.sub("", other))
        for path, (_, other) in paired(language).items()
    }
    assert {path: words for path, words in left.items() if words} == {}


@pytest.mark.parametrize("language", OTHERS)
def test_words_that_are_the_same_are_used(language: str) -> None:
    """The list of them holds no word that is translated by now, or gone."""
    kept = {text for text, other in paired(language).values() if text == other}
    assert SAME_IN.get(language, set()) <= kept


@pytest.mark.parametrize("language", OTHERS)
def test_what_is_named_is_called_so(language: str) -> None:
    """A field or an entity in bold has the name that it shows in that language."""
    called: dict[str, set[str]] = {}
    for text, other in paired(language).values():
        called.setdefault(text, set()).add(other)
    emphasis = re.compile(r"(\*\*?)([^*{}]+)\1")
    wrong = {}
    for path, (text, other) in paired(language).items():
        shown = {name for _, name in emphasis.findall(CODE.sub("", other))}
        for _, name in emphasis.findall(CODE.sub("", text)):
            if name in called and not called[name] & shown:
                wrong[path] = (name, called[name], shown)
    assert wrong == {}


@pytest.mark.parametrize("language", OTHERS)
def test_what_is_quoted_is_a_name(language: str) -> None:
    """Quotes are for names of fields, entities and actions as shown, or for others' words."""
    others = {path: other for path, (_, other) in paired(language).items()}
    names = set(others.values())
    wrong = {
        path: name
        for path, other in others.items()
        for name in map("".join, QUOTED.findall(CODE.sub("", other)))
        if name not in names and not re.fullmatch(r"\{\w+\}", name)
    }
    assert wrong == {}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_who_moves_a_destination_learns_what_stays(language: str, kind: str) -> None:
    """The form names each field that makes it another place, and no other."""
    steps = texts_of(language)["config_subentries"][kind]["step"]
    fields = steps["reconfigure"]["data"]
    place = [fields[name] for name in KINDS[kind].place if name in fields]
    tested, moved = steps["reconfigure"]["description"].split("\n\n")
    assert "**" not in tested
    assert re.findall(r"\*\*(.*?)\*\*", moved) == place
    assert moved not in steps["user"]["description"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_who_has_no_destination_learns_of_all_kinds(language: str) -> None:
    """The repair names the button of each, as the page of the entry does."""
    texts = texts_of(language)
    kinds = texts["config_subentries"]
    said = texts["issues"]["no_destination"]["description"]
    buttons = [kinds[kind]["initiate_flow"]["user"] for kind in KINDS]
    assert [text for text in buttons if f"**{text}**" not in said] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_phone_shows_the_whole_title_of_a_repair(language: str) -> None:
    """Its list gives a title one line, and cuts what is longer."""
    issues = texts_of(language)["issues"]
    titles = [
        issue["title"].format(destination="Backup server") for issue in issues.values()
    ]
    assert [title for title in titles if len(title) > LINE_OF_A_PHONE] == []


@pytest.mark.parametrize("language", OTHERS)
async def test_home_assistant_takes_them(hass: HomeAssistant, language: str) -> None:
    """It falls back to English for a text whose placeholders it does not like."""
    for category, texts in texts_of(language).items():
        taken = await async_get_translations(hass, language, category, {DOMAIN})
        assert taken == {
            ".".join(("component", DOMAIN, category, *path)): text
            for path, text in leaves(texts)
        }
