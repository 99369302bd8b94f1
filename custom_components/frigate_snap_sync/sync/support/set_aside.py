"""Names for what can't be used and is kept for whoever looks for the reason."""

from itertools import count
from pathlib import Path
import time


def name_aside(path: Path, word: str) -> Path:
    """Return a name beside `path` that nothing has, so that names sort by time.

    `word` says why. Blocks.
    """
    name = f"{path.name}.{word}-{time.strftime('%Y%m%d-%H%M%S')}"
    names = (path.with_name(f"{name}{f'-{n:02}' if n else ''}") for n in count())
    return next(each for each in names if not each.exists())
