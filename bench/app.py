"""The command line of `script/bench`."""

import argparse
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
import sys
import time
from typing import Final

from tests.harness.command import run_command
from tests.harness.processes import ProgramFailed

from .child import BenchFailed
from .context import Context
from .fleet import fleet
from .follow import follow
from .latency import latency
from .ledger import ledger
from .limit import limit
from .live import live
from .machine import describe
from .memory import memory
from .peers import find_rclone, find_sftp
from .report import Row, missed, table, write_into
from .sending import big, link, small
from .stores import s3, webdav

SECTIONS: Final[Mapping[str, Callable[[Context], Awaitable[list[Row]]]]] = {
    "big": big,
    "small": small,
    "link": link,
    "memory": memory,
    "latency": latency,
    "ledger": ledger,
    "limit": limit,
    "follow": follow,
    "live": live,
    "s3": s3,
    "webdav": webdav,
    "fleet": fleet,
}


def _sections(text: str) -> list[str]:
    names = text.split(",")
    if unknown := set(names) - SECTIONS.keys():
        raise argparse.ArgumentTypeError(f"no such section: {', '.join(unknown)}")
    return [name for name in SECTIONS if name in names]


def _rounds(text: str) -> int:
    if (rounds := int(text)) < 1:
        raise argparse.ArgumentTypeError("at least one, please")
    return rounds


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="script/bench",
        description="Measure ours beside OpenSSH's sftp, rclone, paramiko, boto3 and "
        "curl, and what Home Assistant notices of it. Fails if a figure is not as wanted.",
    )
    parser.add_argument(
        "--rounds",
        type=_rounds,
        default=5,
        help="how many times all is measured; figures are medians (5)",
    )
    parser.add_argument(
        "--only",
        type=_sections,
        metavar="SECTION,…",
        default=list(SECTIONS),
        help=f"some of {', '.join(SECTIONS)} (all)",
    )
    parser.add_argument(
        "--write",
        type=Path,
        metavar="PAGE",
        help="put the table also into that page, between its marks for results",
    )
    arguments = parser.parse_args(argv)
    if arguments.write and arguments.only != list(SECTIONS):
        parser.error("--write is for the whole table: without --only")
    return arguments


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def _facts(context: Context, minutes: float) -> Iterator[str]:
    yield from describe(context.folder)
    yield f"Rounds: {context.rounds}; the run took {minutes:.0f} minutes"
    yield from context.notes


async def _measure(arguments: argparse.Namespace, folder: Path) -> int:
    # Said now, not after half an hour.
    find_sftp()
    find_rclone()
    begin = time.monotonic()
    context = Context(folder=folder, rounds=arguments.rounds, say=_say)
    rows: list[Row] = []
    for name in arguments.only:
        section = folder / name
        section.mkdir()
        rows += await SECTIONS[name](context.within(section))
    facts = _facts(context, (time.monotonic() - begin) / 60)
    text = "\n".join([*(f"- {fact}" for fact in facts), "", table(rows)])
    sys.stdout.write(f"{text}\n")
    if arguments.write:
        write_into(arguments.write, text)
    failed = missed(rows)
    for row in failed:
        _say(f"Not met: {row.case}: {row.figure}: {row.result}, wanted {row.wanted}")
    return 1 if failed else 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run it; returns the exit code."""
    arguments = _arguments(argv)
    try:
        return run_command("bench", partial(_measure, arguments))
    except (BenchFailed, ProgramFailed, TimeoutError, RuntimeError) as err:
        _say(f"It could not be measured: {err}")
        return 2
