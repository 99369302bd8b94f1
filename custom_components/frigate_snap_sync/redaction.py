"""Taking private words out of texts, without taking the texts apart.

Only whole tokens go: a user called `frigate` must not turn `frigate_connected`
into something unreadable. What is a key, or a word of our own (an
enum), is never looked at.
"""

from collections.abc import Iterable, Mapping
from enum import Enum
import re
from typing import Any, Final
from urllib.parse import quote

from yarl import URL

from homeassistant.components.diagnostics import REDACTED

_SHORTEST: Final = 2
"""Characters; a single one tells nothing, and stands in every text."""
_KEY_LINE: Final = 16
"""Characters of a private key's line that are worth hiding alone."""


class Redactor:
    """Replaces private texts wherever they stand as a whole value or token."""

    def __init__(self, private: Iterable[str]) -> None:
        """Hide these texts, also as they look in a URL."""
        texts = {form for text in private for form in _forms(text)}
        # The longest first: a folder before its parent.
        tokens = [_token(text) for text in sorted(texts, key=len, reverse=True)]
        self._pattern = re.compile("|".join(tokens)) if tokens else None

    def redact(self, value: Any) -> Any:
        """Return the value with the private texts replaced in all its strings."""
        if isinstance(value, Enum) or self._pattern is None:
            return value
        if isinstance(value, str):
            return self._pattern.sub(REDACTED, value)
        if isinstance(value, Mapping):
            return {key: self.redact(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.redact(item) for item in value]
        return value


def parts_of_url(text: str) -> set[str]:
    """Return what is private in a URL, and the URL itself."""
    try:
        url = URL(text)
    except ValueError:
        return {text}
    parts = (text, url.user, url.password, url.host)
    return {part for part in parts if part}


def _forms(text: str) -> set[str]:
    """Return a private text as it may appear; nothing of what is too short."""
    forms = {text, text.strip(), quote(text, safe="")}
    # A key of many lines may be quoted by one of them.
    forms.update(
        line
        for line in text.splitlines()
        if len(line) >= _KEY_LINE and not line.startswith("-----")
    )
    return {form for form in forms if len(form) >= _SHORTEST}


def _token(text: str) -> str:
    """Return a pattern for the text that does not match inside of a longer token."""
    before = r"(?<!\w)(?<!\w-)" if _is_word(text[0]) else ""
    after = r"(?!-?\w)" if _is_word(text[-1]) else ""
    return f"{before}{re.escape(text)}{after}"


def _is_word(char: str) -> bool:
    return char == "_" or char.isalnum()
