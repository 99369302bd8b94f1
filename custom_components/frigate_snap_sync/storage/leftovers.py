"""What a test of a destination may have left there."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftovers:
    """What a test may have left: paths of files, and of folders, the deepest first."""

    files: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Tell whether there may be any."""
        return bool(self.files or self.folders)

    def __or__(self, other: Leftovers) -> Leftovers:
        """Return those of both."""
        return Leftovers(
            files=tuple(dict.fromkeys((*self.files, *other.files))),
            folders=tuple(dict.fromkeys((*self.folders, *other.folders))),
        )

    def __sub__(self, other: Leftovers) -> Leftovers:
        """Return those that are not among the others."""
        return Leftovers(
            files=tuple(path for path in self.files if path not in other.files),
            folders=tuple(path for path in self.folders if path not in other.folders),
        )
