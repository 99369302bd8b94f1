"""The race: contenders send the same, in turns, and are compared round by round."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
import random
import shutil
from statistics import median
from typing import Final

from . import targets
from .measure import Delay
from .report import Row, Wanted, spread_row
from .runs import Run
from .stats import differences, ratios
from .transfers import Contender, Name

type Say = Callable[[str], None]
type Results = Mapping[Name, Sequence[Run]]

_ORDER: Final = 4242


async def race(
    contenders: Sequence[Contender], *, rounds: int, folder: Path, say: Say, case: str
) -> Results:
    """Let each send once in each round, in changing order, to an empty folder."""
    results: dict[Name, list[Run]] = {contender.name: [] for contender in contenders}
    chance = random.Random(_ORDER)
    for number in range(1, rounds + 1):
        for contender in chance.sample(contenders, len(contenders)):
            folder.mkdir()
            folder.chmod(0o777)  # The server may be another user.
            try:
                run = await contender.send(folder)
            finally:
                shutil.rmtree(folder)
            results[contender.name].append(run)
            load = contender.load
            say(
                f"{case}, round {number}: {contender.name}: {load.speed(run.seconds)},"
                f" {load.work(run.cpu)}"
            )
    return results


def compared(
    case: str,
    contenders: Sequence[Contender],
    results: Results,
    *,
    wanted: Mapping[Name, Wanted],
) -> Iterator[Row]:
    """Yield a row for each peer beside ours, and one for our cold connection."""
    own = next(one for one in contenders if one.name is Name.OURS)
    ours = [run.seconds / own.load.files for run in results[Name.OURS]]
    for contender in contenders:
        runs, load = results[contender.name], contender.load
        if contender is own:
            cold = [run.cold_seconds for run in runs if run.cold_seconds is not None]
            if cold:
                yield spread_row(
                    case,
                    "ours, with the login",
                    ratios(cold, [run.seconds for run in runs]),
                    ours=_cell(own, runs),
                    other=load.speed(median(cold)),
                )
            continue
        fewer = "" if load.files == own.load.files else f", {load.files} files"
        yield spread_row(
            case,
            f"{contender.name}{fewer}",
            ratios([run.seconds / load.files for run in runs], ours),
            ours=_cell(own, results[Name.OURS]),
            other=_cell(contender, runs),
            wanted=wanted.get(contender.name),
        )


def _cell(contender: Contender, runs: Sequence[Run]) -> str:
    load = contender.load
    seconds = median(run.seconds for run in runs)
    return f"{load.speed(seconds)}, {load.work(median(run.cpu for run in runs))}"


def loop_rows(case: str, results: Results) -> Iterator[Row]:
    """Yield how late the event loop was with ours, beside idle and asyncssh."""
    busy, _ = _delays(results[Name.OURS])
    yield from _above_idle(
        case, results, Name.OURS, p50=targets.DELAY_P50, p99=targets.DELAY_P99
    )
    if Name.OURS_IN_THREAD in results:
        yield from _above_idle(case, results, Name.OURS_IN_THREAD)
    if Name.ASYNCSSH in results:
        theirs, _ = _delays(results[Name.ASYNCSSH])
        yield spread_row(
            case,
            f"event loop late, p99: share of {Name.ASYNCSSH}",
            ratios([delay.p99 for delay in busy], [delay.p99 for delay in theirs]),
            ours=f"{median(delay.p99 for delay in busy):.2f} ms",
            other=f"{median(delay.p99 for delay in theirs):.2f} ms",
            wanted=targets.DELAY_RATIO,
        )


def _above_idle(
    case: str, results: Results, name: Name, **wanted: Wanted
) -> Iterator[Row]:
    busy, idle = _delays(results[name])
    who = "" if name is Name.OURS else f", {name}"
    for figure in ("p50", "p99", "max"):
        theirs = [getattr(delay, figure) for delay in busy]
        floor = [getattr(delay, figure) for delay in idle]
        yield spread_row(
            case,
            f"event loop late{who}, {figure}: above idle",
            differences(theirs, floor),
            ours=f"{median(theirs):.2f} ms",
            other=f"{median(floor):.2f} ms",
            unit="ms",
            wanted=wanted.get(figure),
        )


def _delays(runs: Sequence[Run]) -> tuple[list[Delay], list[Delay]]:
    return (
        [run.delay for run in runs if run.delay is not None],
        [run.idle for run in runs if run.idle is not None],
    )
