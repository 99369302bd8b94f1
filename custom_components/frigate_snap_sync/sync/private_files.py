"""Files of Home Assistant's user alone: what waits here shows what cameras see."""

from contextlib import suppress
import os
from pathlib import Path


def make_private_folder(path: Path) -> None:
    """Make a folder that its owner alone may look into, also if it is there already.

    Raises OSError when it can't be made.
    """
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    make_private(path)


def make_private(path: Path) -> None:
    """Let the owner alone read a file or folder, where the file system can tell."""
    with suppress(OSError):
        path.chmod(0o700 if path.is_dir() else 0o600)


def private_opener(path: str, flags: int) -> int:
    """Open a file for `open`, of the owner alone if it is made now."""
    return os.open(path, flags, 0o600)
