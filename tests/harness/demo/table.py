"""The demo's table: redrawn in place on a terminal, line by line elsewhere."""

from collections.abc import Sequence
from datetime import datetime
import shutil
import sys
from typing import TextIO
from zoneinfo import ZoneInfo

from ..arrivals import Arrivals, Item, Kind

_WORDS = {
    Kind.LIVE_SNAPSHOT: "live snapshot",
    Kind.SNAPSHOT: "snapshot",
    Kind.RECORDING: "recording",
}
_HEADINGS = ("Published", "What", "Camera", "Label")
_WIDTHS = (9, 13, 10, 11)
_ARRIVAL_WIDTH = 15


def _state(item: Item, name: str) -> str:
    arrival = item.arrivals.get(name)
    if arrival is None:
        return "waiting"
    verdict = "verified" if arrival.verified else "WRONG"
    return f"{arrival.seconds:.1f} s {verdict}"


def _row(cells: Sequence[str], names: Sequence[str]) -> str:
    widths = (*_WIDTHS, *(_ARRIVAL_WIDTH for _ in names))
    return "  ".join(
        cell[:width].ljust(width) for cell, width in zip(cells, widths, strict=True)
    ).rstrip()


class Table:
    """Shows the items and what became of them. `names`: the destinations."""

    def __init__(
        self,
        arrivals: Arrivals,
        names: Sequence[str],
        zone: ZoneInfo,
        *,
        output: TextIO = sys.stdout,
    ) -> None:
        """Show nothing yet; times will be those of `zone`."""
        self._arrivals = arrivals
        self._names = tuple(names)
        self._zone = zone
        self._output = output
        self.live = output.isatty()
        self._drawn = 0
        self._told: set[tuple[int, str]] = set()

    def say(self, text: str) -> None:
        """Print a line for good, above the table."""
        self._erase()
        self._line(text)
        self.show()

    def end(self, *lines: str) -> None:
        """Leave the table as it is, and print lines below it."""
        self._drawn = 0
        for line in lines:
            self._line(line)

    def show(self) -> None:
        """Show what is new; nothing before the first item."""
        if not self._arrivals.items:
            return
        if self.live:
            self._erase()
            self._draw()
        else:
            self._tell()

    def _facts(self, item: Item) -> tuple[str, ...]:
        at = f"{datetime.fromtimestamp(item.published, self._zone):%H:%M:%S}"
        return at, _WORDS[item.kind], item.camera, item.label

    def _tell(self) -> None:
        for number, item in enumerate(self._arrivals.items):
            if (number, "") not in self._told:
                self._told.add((number, ""))
                at, *facts = self._facts(item)
                self._line(f"{at}  published  {'  '.join(facts)}")
            for name, arrival in list(item.arrivals.items()):
                if (number, name) not in self._told:
                    self._told.add((number, name))
                    _, *facts = self._facts(item)
                    now = f"{datetime.now(self._zone):%H:%M:%S}"
                    self._line(
                        f"{now}  {name}: {_state(item, name)}  "
                        f"{'  '.join(facts)}  {arrival.path}"
                    )

    def _line(self, text: str) -> None:
        print(text, file=self._output, flush=True)

    def _draw(self) -> None:
        columns, rows = shutil.get_terminal_size()
        shown = self._arrivals.items[-max(3, min(20, rows - 12)) :]
        lines = [
            _row((*_HEADINGS, *self._names), self._names),
            *(
                _row(
                    (*self._facts(item), *(_state(item, name) for name in self._names)),
                    self._names,
                )
                for item in shown
            ),
            totals(self._arrivals),
        ]
        self._output.write("".join(f"{line[: columns - 1]}\n" for line in lines))
        self._output.flush()
        self._drawn = len(lines)

    def _erase(self) -> None:
        if self._drawn:
            self._output.write(f"\x1b[{self._drawn}F\x1b[J")
            self._drawn = 0


def totals(arrivals: Arrivals) -> str:
    """Return one line that counts."""
    items = arrivals.items
    waiting, wrong = len(arrivals.waiting), len(arrivals.wrong)
    text = f"{len(items)} published, {len(items) - waiting} arrived everywhere"
    if waiting:
        text += f", {waiting} under way"
    if wrong:
        text += f", {wrong} NOT AS THEY SHOULD BE"
    return text
