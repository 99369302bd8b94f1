"""The command line of `script/chaos`."""

import argparse
from collections.abc import Sequence
from functools import partial
from pathlib import Path
import sys

from ..command import run_command
from ..installation import FlowFailed
from ..processes import ProgramFailed
from .break_in import run_break_ins
from .run import run_chaos

_LONGEST_COMPLAINT = 2000


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="script/chaos",
        description="Make faults on purpose around a real Home Assistant, and tell "
        "what became of every item: lost, doubled, corrupt, unfinished.",
    )
    parser.add_argument(
        "--minutes", type=float, default=3, help="how long faults are made (3)"
    )
    parser.add_argument("--seed", type=int, default=1, help="what happens when (1)")
    parser.add_argument(
        "--frigate", default="0.17.2", metavar="VERSION", help="which Frigate (0.17.2)"
    )
    parser.add_argument(
        "--patience",
        type=float,
        default=7,
        metavar="MINUTES",
        help="how long recovery may take in the end (7)",
    )
    parser.add_argument(
        "--hurry",
        action="store_true",
        help="in the end press the integration's buttons, as an owner would who "
        "does not want to wait for its own next tries",
    )
    parser.add_argument(
        "--everywhere",
        action="store_true",
        help="send to a bucket and a WebDAV server, too",
    )
    parser.add_argument(
        "--keep",
        type=Path,
        metavar="FOLDER",
        help="work in that folder, which is made and stays, with all logs",
    )
    parser.add_argument(
        "--break-in",
        action="store_true",
        help="instead: kill Frigate in the middle of a break-in, and tell how much "
        "of it lies elsewhere",
    )
    return parser.parse_args(argv)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


async def _chaos(arguments: argparse.Namespace, folder: Path) -> int:
    result = await run_chaos(
        folder,
        seconds=arguments.minutes * 60,
        seed=arguments.seed,
        version=arguments.frigate,
        patience=arguments.patience * 60,
        hurry=arguments.hurry,
        everywhere=arguments.everywhere,
        say=_say,
    )
    for complaint in result.complaints:
        _say(complaint[:_LONGEST_COMPLAINT])
    _say(f"Seed {arguments.seed}, {arguments.minutes:g} minutes")
    for line in result.lines():
        _say(line)
    return 0 if result.is_good else 1


async def _break_ins(folder: Path) -> int:
    break_ins = await run_break_ins(folder, say=_say)
    for break_in in break_ins:
        _say(break_in.line())
    return 0 if all(break_in.is_good for break_in in break_ins) else 1


def main(argv: Sequence[str] | None = None) -> int:
    """Run it; returns the exit code."""
    arguments = _arguments(argv)
    try:
        return run_command(
            "chaos",
            _break_ins if arguments.break_in else partial(_chaos, arguments),
            folder=arguments.keep,
        )
    except (FlowFailed, ProgramFailed, TimeoutError) as err:
        sys.stderr.write(f"It could not be set up, or not be healed: {err}\n")
        return 2
