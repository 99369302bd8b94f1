"""Files that Home Assistant's user alone may read, and that outlast a power cut."""

from collections.abc import Callable
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


def put_in_place(
    new: Path, final: Path, *, check: Callable[[], object] = lambda: None
) -> None:
    """Give a new file its final name: after a power cut it is whole, or not there.

    All of it must have been written. `check` is called once its bytes are durable;
    what it raises leaves `final` as it was. Raises OSError.
    """
    descriptor = os.open(new, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    check()
    new.replace(final)
    _sync_folder(final.parent)


def _sync_folder(folder: Path) -> None:
    """Make the names in a folder durable, where the file system can."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
