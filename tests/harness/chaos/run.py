"""A run: faults for a while, then all is healed, and then it is judged."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
import contextlib
from dataclasses import dataclass, field
from pathlib import Path
import time
from zoneinfo import ZoneInfo

from ..home_assistant import DOMAIN, INTEGRATION
from .evidence import Evidence, Folder, Verdict, totals
from .faults import Faults, cards_of
from .plan import make_plan
from .stage import TIME_ZONE, Stage, open_stage

# Short reviews shall have parts too.
_OPTIONS = {"part_length": 10}

_REVIEWS_END = 120.0
_LOOK_INTERVAL = 1.0
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

    @property
    def is_good(self) -> bool:
        """Tell whether nothing was lost, doubled, corrupt or left unfinished."""
        return bool(self.items) and all(
            verdict.is_good for verdict in self.verdicts.values()
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
) -> Result:
    """Make faults for so long, and return what came of it.

    Everything is done in `folder`, which is left as it is at the end.
    `patience` is how long (s) recovery may take; with `hurry` somebody presses
    the integration's buttons instead of waiting for its own next tries.
    """
    async with open_stage(
        folder,
        seed=seed,
        version=version,
        options=_OPTIONS,
        integration=integration,
    ) as stage:
        evidence = Evidence(
            stage.frigate, stage.server, ZoneInfo(TIME_ZONE), heard=stage.hearing.heard
        )
        cards = cards_of(stage)
        if len(stage.disks) < 2:
            say("No disk will be full: nothing can be mounted here")
        faults = Faults(stage, say)
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
            stage, evidence, patience=patience, hurry=hurry
        )
        must, may = evidence.items()
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
            complaints=stage.home_assistant.complaints(),
        )


async def _recover(
    stage: Stage, evidence: Evidence, *, patience: float, hurry: bool
) -> tuple[dict[str, Verdict], float | None]:
    """Wait until all is as it should be, and stays so; return also since when."""
    folders = {name: Folder(path) for name, path in stage.folders.items()}

    def judge() -> dict[str, Verdict]:
        return {name: evidence.judge(one.files()) for name, one in folders.items()}

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


def _miscounted(
    shown: Mapping[tuple[str, str, str], str], verdicts: Mapping[str, Verdict]
) -> Iterator[str]:
    for name, verdict in verdicts.items():
        for key, count in (
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
