"""Texts of servers and owners inside Markdown, as the frontend shows descriptions."""

import re
from typing import Final

_SPECIAL = re.compile(
    r"[\\`*_{}\[\]<>()#+!|~&$@]"  # Anywhere in a line.
    r"|:(?=//)|(?<=www)\."  # GitHub's flavor makes links of what looks like one.
    r"|^[-=]|(?<=^\d)\.|(?<=^\d\d)\.",  # At its start: a list, a heading.
    re.IGNORECASE,
)

MAX_LENGTH: Final = 600
"""Letters that are shown of a text of others."""


def escape(text: str) -> str:
    """Return a text that Markdown shows as it is, in one line of bounded length."""
    # CommonMark: a backslash before any ASCII punctuation makes it literal.
    return _SPECIAL.sub(r"\\\g<0>", one_line(text))


def as_code(text: str) -> str:
    """Return a text for inside of backticks, where nothing else has a meaning."""
    return one_line(text).replace("`", "'")


def one_line(text: str) -> str:
    """Return a text in one line of bounded length, without what can't be seen.

    Such as control characters, and those that turn the direction of what follows.
    """
    text = text[: 4 * MAX_LENGTH]
    seen = "".join(letter if letter.isprintable() else " " for letter in text)
    words = " ".join(seen.split())
    return words if len(words) <= MAX_LENGTH else f"{words[: MAX_LENGTH - 1]}…"
