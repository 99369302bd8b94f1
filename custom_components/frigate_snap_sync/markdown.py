"""Texts of servers and owners inside Markdown, as the frontend shows descriptions."""

import re

_SPECIAL = re.compile(
    r"[\\`*_{}\[\]<>()#+!|~&$@]"  # Anywhere in a line.
    r"|:(?=//)|(?<=www)\."  # GitHub's flavor makes links of what looks like one.
    r"|^[-=]|(?<=^\d)\.",  # At its start: a list, a heading.
    re.IGNORECASE,
)


def escape(text: str) -> str:
    """Return a text that Markdown shows as it is, in one line."""
    # CommonMark: a backslash before any ASCII punctuation makes it literal.
    return _SPECIAL.sub(r"\\\g<0>", " ".join(text.split()))
