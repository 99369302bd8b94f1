"""What a user reads in a language: our own texts, and Home Assistant's buttons."""

from collections.abc import Iterator
from importlib import import_module
import json
from pathlib import Path
import re
from typing import Any, Final

from ..harness.home_assistant import INTEGRATION

LANGUAGES: Final = sorted(
    path.stem for path in (INTEGRATION / "translations").iterdir()
)

_PAGES: Final = Path(import_module("hass_frontend").where(), "static", "translations")
_FLOW: Final = "ui.panel.config.integrations.config_flow"
_BREAKS: Final = re.compile(r"\{\w+\}|\*\*|`|\n")
"""Where a text is more than one text on the page."""


class Words:
    """The texts of one language."""

    def __init__(self, language: str = "en") -> None:
        """Read them."""
        self.language = language
        file = INTEGRATION / "translations" / f"{language}.json"
        self._texts: dict[str, Any] = json.loads(file.read_text())
        pages = _texts_of_pages(language)
        self.submit = pages[f"{_FLOW}.submit"]
        self.finish = pages[f"{_FLOW}.finish"]
        self.close = pages[f"{_FLOW}.close"]
        self.add = pages["ui.common.add"]
        self.diagnostic = pages["ui.panel.config.devices.entities.diagnostic"]

    def __call__(self, path: str) -> str:
        """Return the text with that path, such as `config.step.user.title`."""
        found: Any = self._texts
        for key in path.split("."):
            found = found[key]
        assert isinstance(found, str)
        return found

    def titles_of_repairs(self, destination: str) -> Iterator[str]:
        """Yield all of them, with the name of a destination in it."""
        for issue in self._texts["issues"].values():
            yield issue["title"].format(destination=destination)

    def titles_of_dialogs(self) -> Iterator[str]:
        """Yield the titles of all steps of all flows."""
        kinds, issues = self._texts["config_subentries"], self._texts["issues"]
        for flow in (
            *(self._texts["config"], self._texts["options"], *kinds.values()),
            *(issue["fix_flow"] for issue in issues.values() if "fix_flow" in issue),
        ):
            for step in flow["step"].values():
                yield step["title"]

    def sentences(self) -> set[str]:
        """Return all texts, in the pieces that a page shows unbroken."""
        return {
            piece.strip()
            for text in _leaves(self._texts)
            for piece in _BREAKS.split(text)
            if piece.strip()
        }


def _texts_of_pages(language: str) -> dict[str, str]:
    """Return what Home Assistant's own pages say, as this release of them does."""
    found: dict[str, str] = {}
    for folder in (_PAGES, _PAGES / "config"):
        # Not those of a country, such as en-GB.
        (file,) = folder.glob(f"{language}-{32 * '[0-9a-f]'}.json")
        found |= json.loads(file.read_text())
    return found


def _leaves(texts: dict[str, Any]) -> Iterator[str]:
    for value in texts.values():
        if isinstance(value, dict):
            yield from _leaves(value)
        else:
            yield value


def foreign(shown: list[str], words: Words) -> set[str]:
    """Return what is shown in English although another language is wanted.

    A word or two may be the same in both languages; a short one may be within a word.
    """
    english = Words().sentences() - words.sentences()
    return {
        text
        for text in shown
        if text in english or any(one in text for one in english if len(one) >= 20)
    } | {
        text for text in shown if re.search(r"component\.|\{\w+\}|\w+\.\w+\.\w+_", text)
    }
