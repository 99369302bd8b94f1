"""What a user reads in a language: our own texts, and Home Assistant's buttons."""

from collections.abc import Iterator
import json
import re
from typing import Any, Final

from ..harness.home_assistant import INTEGRATION

_BUTTONS: Final = {
    "en": {"submit": "Submit", "finish": "Finish", "close": "Close"},
    "de": {"submit": "OK", "finish": "Fertigstellen", "close": "Schließen"},
}
_BREAKS: Final = re.compile(r"\{\w+\}|\*\*|`|\n")
"""Where a text is more than one text on the page."""


class Words:
    """The texts of one language."""

    def __init__(self, language: str = "en") -> None:
        """Read them."""
        self.language = language
        file = INTEGRATION / "translations" / f"{language}.json"
        self._texts: dict[str, Any] = json.loads(file.read_text())
        buttons = _BUTTONS[language]
        self.submit = buttons["submit"]
        self.finish = buttons["finish"]
        self.close = buttons["close"]

    def __call__(self, path: str) -> str:
        """Return the text with that path, such as `config.step.user.title`."""
        found: Any = self._texts
        for key in path.split("."):
            found = found[key]
        assert isinstance(found, str)
        return found

    def sentences(self) -> set[str]:
        """Return all texts, in the pieces that a page shows unbroken."""
        return {
            piece.strip()
            for text in _leaves(self._texts)
            for piece in _BREAKS.split(text)
            if piece.strip()
        }


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
