"""A server's own words, made fit for a log and for the owner."""

from typing import Final

MAX_REASON: Final = 200
"""Characters of a server's own words that an error repeats."""


def brief(reason: str) -> str:
    """Return a server's words on one line of bounded length, without what is unseen."""
    seen = "".join(
        letter if letter.isprintable() else " " for letter in reason[: 4 * MAX_REASON]
    )
    return " ".join(seen.split())[:MAX_REASON]
