"""The folders that a destination's files lie in, for a test that does as uploads do."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

DATE_FOLDER: Final = "%Y-%m-%d"
"""The folder of the default names, as `strftime` takes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """Where files of one sort lie, below the root; empty is the root itself.

    `today` is the folder of this moment's files. Its first levels, `fixed`, are the
    same at any time; those below come and go.
    """

    today: str = ""
    fixed: str = ""

    @property
    def first_of_today(self) -> str:
        """Return the first level of `today` that comes and goes.

        Those below it may be of one item.
        """
        return "/".join(_levels(self.today)[: len(_levels(self.fixed)) + 1])

    def new_folder(self, name: str) -> str:
        """Return a folder like those of other days, all its own levels called `name`."""
        depth = len(_levels(self.today)) - len(_levels(self.fixed))
        return "/".join([*_levels(self.fixed), *[name] * depth])


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where a destination's files lie: in at least one branch."""

    branches: tuple[Branch, ...] = (Branch(),)


def dated_layout(now: datetime) -> Layout:
    """Return the layout of the default names; `now` is in the names' time zone."""
    return Layout(branches=(Branch(today=now.strftime(DATE_FOLDER)),))


def layout_of(names: Iterable[tuple[str, str]]) -> Layout:
    """Return the layout of names, each given as of now and as of another time."""
    branches = []
    for now, then in names:
        today, other = _levels(now)[:-1], _levels(then)[:-1]
        same = 0
        while same < min(len(today), len(other)) and today[same] == other[same]:
            same += 1
        branches.append(Branch(today="/".join(today), fixed="/".join(today[:same])))
    return Layout(branches=tuple(dict.fromkeys(branches)))


def changing_folders(path: str, layout: Layout) -> list[str]:
    """Return the folders of a file whose names depend on it, the deepest first.

    Those that all files of a branch share are not among them.
    """
    folders = levels_of(path)[:-1]
    fixed = max(
        (
            len(_levels(branch.fixed))
            for branch in layout.branches
            if path.startswith(f"{branch.fixed}/") or not branch.fixed
        ),
        default=len(folders),
    )
    return folders[fixed:][::-1]


def levels_of(folder: str) -> list[str]:
    """Return the paths of a folder and those above it, the highest first."""
    levels = _levels(folder)
    return ["/".join(levels[: n + 1]) for n in range(len(levels))]


def _levels(path: str) -> list[str]:
    return path.split("/") if path else []
