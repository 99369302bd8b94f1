"""A server's own words, made fit for a log and for the owner."""

import re
from typing import Final

MAX_REASON: Final = 200
"""Characters of a server's own words that an error repeats."""

_FULL: Final = re.compile(
    # ProFTPD, SFTPGo ("denying write due to space limit"), Windows ("There is not
    # enough space on the disk."), Linux's ENOSPC and EDQUOT, sabre's classes.
    r"no space|out of (disk )?space|not enough (free )?(disk )?space|space limit"
    r"|insufficient ?(free )?(disk |storage )?space|insufficient ?storage"
    r"|no free (disk )?space|(disk|volume|storage|file ?system) (is )?full"
    r"|(disk|storage) space (is )?exhausted"
    r"|(?<![\w/.-])quota(?![\w/-])",
    re.IGNORECASE,
)
"""A full disk, or what may be used of it, in the words of servers."""


def brief(reason: str) -> str:
    """Return a server's words on one line of bounded length, without what is unseen."""
    seen = "".join(
        letter if letter.isprintable() else " " for letter in reason[: 4 * MAX_REASON]
    )
    return " ".join(seen.split())[:MAX_REASON]


def says_full(text: str) -> bool:
    """Tell whether a server says that its disk, or what may be used of it, is full."""
    return _FULL.search(text) is not None
