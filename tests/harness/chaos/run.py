"""A run: faults for a while, then all is healed, and then it is judged."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
import contextlib
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
import re
import time
from zoneinfo import ZoneInfo

from ..home_assistant import DOMAIN, INTEGRATION
from .evidence import Evidence, Verdict, totals
from .faults import Faults, cards_of
from .folder import Folder
from .plan import Kind, make_plan
from .stage import TIME_ZONE, Stage, open_stage
from .watching import AT_RISK_AFTER

# Short reviews shall have parts too.
_OPTIONS = {"part_length": 10, "at_risk_after": AT_RISK_AFTER}

_REVIEWS_END = 120.0
_NOT_YET_WHOLE = 10.0
"""Seconds after its end in which nothing of a review was asked for as a whole."""
_LOOK_INTERVAL = 1.0
_NO_SPACE = re.compile(r"(database or disk is full|No space left on device)\s*$")
"""What may be in the log when Home Assistant's disk was full: an error, no traceback."""
_STILL = 10.0
"""How long all must stay as it is, once it is as it should be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of a run. Times are in seconds."""

    items: Counter[str]
    excused: int
    """Items that nobody could have got; they don't count."""
    faults: dict[str, int]
    verdicts: dict[str, Verdict]
    recovered: float | None
    """From the moment when all was healed; None: not in time."""
    heard: float
    """In which share of the time Home Assistant could hear of live snapshots."""
    longest_stop: float
    protection: str | None
    """What the integration says of itself in the end."""
    miscounted: list[str] = field(default_factory=list)
    """Sensors that show another number than what lies at a destination."""
    complaints: list[str] = field(default_factory=list)
    wrongly_protected: list[str] = field(default_factory=list)
    """Each time that the sensor showed `protected` and should not have."""
    long_outages: int = 0
    """How many lasted so long that the sensor had to show them."""
    shown: Mapping[str, float] = field(default_factory=dict)
    """Which state the sensor showed for which share of the time."""

    @property
    def is_good(self) -> bool:
        """Tell whether nothing was lost, doubled, corrupt or left unfinished.

        And whether `protected` was shown where it was not true.
        """
        return (
            bool(self.items)
            and all(verdict.is_good for verdict in self.verdicts.values())
            and not self.wrongly_protected
        )

    def lines(self) -> Iterator[str]:
        """Yield the report."""
        kinds = ", ".join(f"{count} {kind}" for kind, count in self.items.items())
        yield f"Items:             {self.items.total()} ({kinds})"
        yield f"  not counted:     {self.excused}, which nobody could have got"
        yield f"Faults:            {sum(self.faults.values())}"
        for kind, count in sorted(self.faults.items()):
            yield f"  {count:3} {kind}"
        for name in ("lost", "doubled", "corrupt", "unfinished", "incomplete"):
            found = totals(self.verdicts, name)
            title = "unfinished names" if name == "unfinished" else name
            yield f"{title.capitalize() + ':':<18} {len(found)}"
            yield from (f"  {line}" for line in found)
        if self.recovered is None:
            yield "Time to recover:   not in the time given"
        else:
            yield f"Time to recover:   {self.recovered:.0f} s after the last fault"
        yield f"Could hear MQTT:   {self.heard:.0%} of the time"
        yield f"Slowest stop:      {self.longest_stop:.1f} s"
        yield f"Protection:        {self.protection}"
        yield f"  shown:           {_percentages(self.shown)}"
        yield (
            f"WRONGLY PROTECTED {len(self.wrongly_protected)} "
            f"({self.long_outages} outage(s) had to be shown)"
        )
        yield from (f"  {line}" for line in self.wrongly_protected)
        yield f"Wrong counters:    {len(self.miscounted)}"
        yield from (f"  {line}" for line in self.miscounted)
        yield f"Errors in the log: {len(self.complaints)}"


async def run_chaos(
    folder: Path,
    *,
    seconds: float,
    seed: int,
    say: Callable[[str], None],
    version: str = "0.17.2",
    patience: float = 420,
    hurry: bool = False,
    integration: Path = INTEGRATION,
    everywhere: bool = False,
) -> Result:
    """Make faults for so long, and return what came of it.

    Everything is done in `folder`, which is left as it is at the end.
    `patience` is how long (s) recovery may take; with `hurry` somebody presses
    the integration's buttons instead of waiting for its own next tries. With
    `everywhere` a bucket and a WebDAV server are destinations, too.
    """
    async with open_stage(
        folder,
        seed=seed,
        version=version,
        options=_OPTIONS,
        integration=integration,
        everywhere=everywhere,
    ) as stage:
        evidence = Evidence(
            stage.frigate, stage.server, ZoneInfo(TIME_ZONE), heard=stage.hearing.heard
        )
        cards = cards_of(stage)
        if not stage.disks:
            say("No disk will be full: nothing can be mounted here")
        folders = {name: Folder(path) for name, path in stage.folders.items()}
        faults = Faults(
            stage,
            say,
            lose_footage=partial(_lose_footage, stage, evidence, folders, say),
        )
        began = time.time()
        visitors = asyncio.create_task(stage.visitors.play())
        try:
            await faults.play(make_plan(cards, seconds=seconds, seed=seed))
            await asyncio.sleep(began + seconds - time.time())
        finally:
            stage.visitors.stop()
        healed = time.monotonic()
        heard = stage.hearing.share(began, time.time())
        say("All is healed; waiting until everything has arrived")
        await visitors
        async with asyncio.timeout(_REVIEWS_END):
            await stage.visitors.finish()
        verdicts, recovered = await _recover(
            stage, evidence, folders, patience=patience, hurry=hurry
        )
        must, may = evidence.items()
        wrongly_protected = stage.watch.wrongly_protected()
        long_outages, shares = stage.watch.long_outages(), stage.watch.shares()
        states = await stage.home_assistant.api.entity_states(DOMAIN)
        shown = {key: str(state["state"]) for key, state in states.items()}
        await stage.home_assistant.stop()
        return Result(
            items=Counter(item.kind.name.lower().replace("_", " ") for item in must),
            excused=len(may),
            faults={str(kind): count for kind, count in faults.made.items()},
            verdicts=verdicts,
            recovered=None if recovered is None else recovered - healed,
            heard=heard,
            longest_stop=faults.longest_stop,
            protection=shown.get(("Frigate", "sensor", "protection")),
            miscounted=list(_miscounted(shown, verdicts)),
            complaints=[
                complaint
                for complaint in stage.home_assistant.complaints()
                if Kind.FULL_HERE not in faults.made or not _NO_SPACE.search(complaint)
            ],
            wrongly_protected=wrongly_protected,
            long_outages=long_outages,
            shown=shares,
        )


async def _lose_footage(
    stage: Stage,
    evidence: Evidence,
    folders: Mapping[str, Folder],
    say: Callable[[str], None],
    chance: Random,
) -> bool:
    """Let Frigate lose half of what parts have of a review; tells whether it could."""
    files = {name: await asyncio.to_thread(one.files) for name, one in folders.items()}
    now = stage.frigate.clock()
    for review in stage.frigate.reviews.values():
        tail = review.id.rsplit("-", 1)[-1]
        has_parts = any(
            f"-{tail}-part" in file.path for found in files.values() for file in found
        )
        if has_parts and (review.end is None or now - review.end < _NOT_YET_WHOLE):
            begin = int(review.start)
            end = begin + chance.randint(5, 15)
            if lost := evidence.lose(review, begin, end, files):
                say(f"          {len(lost)} s from {min(lost)} of {review.id}")
                return True
    return False


async def _recover(
    stage: Stage,
    evidence: Evidence,
    folders: Mapping[str, Folder],
    *,
    patience: float,
    hurry: bool,
) -> tuple[dict[str, Verdict], float | None]:
    """Wait until all is as it should be, and stays so; return also since when."""

    def judge() -> dict[str, Verdict]:
        return {
            name: evidence.judge(one.files(), name) for name, one in folders.items()
        }

    deadline = time.monotonic() + patience
    good_since: float | None = None
    next_press = time.monotonic()
    while True:
        verdicts = await asyncio.to_thread(judge)
        now = time.monotonic()
        if all(verdict.is_good for verdict in verdicts.values()):
            good_since = now if good_since is None else good_since
            if now - good_since >= _STILL:
                return verdicts, good_since
        else:
            good_since = None
        if now > deadline:
            return verdicts, None
        if hurry and now >= next_press and good_since is None:
            next_press = now + 30
            await _press(stage, "test", "retry_failed", "catch_up")
        await asyncio.sleep(_LOOK_INTERVAL)


def _percentages(shares: Mapping[str, float]) -> str:
    return ", ".join(f"{state} {share:.0%}" for state, share in shares.items())


def _miscounted(
    shown: Mapping[tuple[str, str, str], str], verdicts: Mapping[str, Verdict]
) -> Iterator[str]:
    for name, verdict in verdicts.items():
        for key, count in (
            ("live_snapshots_uploaded", verdict.live_snapshots),
            ("snapshots_uploaded", verdict.snapshots),
            ("recordings_uploaded", verdict.recordings),
        ):
            if (state := shown.get((name, "sensor", key))) != str(count):
                yield f"{key} of {name}: {state} instead of {count}"


async def _press(stage: Stage, *keys: str) -> None:
    """Press all buttons with these translation keys."""
    api = stage.home_assistant.api
    for row in await api.entities(DOMAIN):
        if row["entity_id"].startswith("button.") and row["translation_key"] in keys:
            with contextlib.suppress(Exception):
                await api.call_service("button", "press", entity_id=row["entity_id"])
