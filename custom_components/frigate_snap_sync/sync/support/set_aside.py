"""Names for what can't be used and is kept for whoever looks for the reason."""

from pathlib import Path
import time


def name_aside(path: Path, word: str) -> Path:
    """Return a name beside `path` that nothing has, so that names sort by time.

    `word` says why. Also if older ones of the same second are gone. Blocks.
    """
    name = f"{path.name}.{word}-{time.strftime('%Y%m%d-%H%M%S')}"
    endings = (each.name.removeprefix(name) for each in path.parent.glob(f"{name}*"))
    # Of one without a number there may be more, such as `-wal`.
    used = [int(end[1:3]) if end[1:3].isdigit() else 0 for end in endings]
    return path.with_name(f"{name}-{max(used) + 1:02}" if used else name)
