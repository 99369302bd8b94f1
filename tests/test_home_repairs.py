"""Repairs of what fails at home: losses, drills, the ledger, the topic prefix."""

from dataclasses import replace
from datetime import timedelta

import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_mqtt_message,
    async_fire_time_changed,
)

from custom_components.frigate_snap_sync.cause import Cause
from custom_components.frigate_snap_sync.const import DOMAIN
from custom_components.frigate_snap_sync.sync.ledger import LedgerError
from custom_components.frigate_snap_sync.sync.model.errors import Refusal, Refused
from custom_components.frigate_snap_sync.sync.model.status import (
    DrillOutcome,
    Loss,
    Losses,
)
from homeassistant.config_entries import SOURCE_IGNORE, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util

from .component import (
    ENTRY_ID,
    FAILED_DRILL,
    PASSED_DRILL,
    SFTP_ID,
    StandInEngine,
    async_set_up,
    frigate_entry,
    local_subentry,
    sftp_subentry,
)
from .test_repairs import Post, fix, issue, open_issues

__all__ = ["fix"]

pytestmark = pytest.mark.usefixtures("mqtt_client", "folders")


# At home


LOST = Losses(
    count=7,
    newest=(
        Loss(
            destination_id=SFTP_ID,
            path="2026-11-22/a_b.mp4",
            cause="gone",
            reason="No *footage*",
        ),
    ),
    until=1795336200.5,
)


@pytest.mark.parametrize(
    ("losses", "steps"),
    [
        (LOST, ["confirm"]),
        (replace(LOST, messages=True), ["confirm", "messages"]),
        (Losses(messages=True, until=1795336200.5), ["messages"]),
        (Losses(large_images=True, until=1795336200.5), ["large_images"]),
        (replace(LOST, large_images=True), ["confirm", "large_images"]),
        (
            replace(LOST, messages=True, large_images=True),
            ["confirm", "messages", "large_images"],
        ),
    ],
)
async def test_losses(
    hass: HomeAssistant,
    engine: StandInEngine,
    fix: Post,
    losses: Losses,
    steps: list[str],
) -> None:
    """What was lost and why; submitting acknowledges what was shown, and no more."""
    await async_set_up(hass, frigate_entry(subentries=[sftp_subentry()]))
    engine.show(losses=losses)
    result = await fix(f"items_lost_{ENTRY_ID}")
    # Meanwhile more is lost.
    engine.show(losses=replace(losses, count=9, until=1795336300.5))
    for step in steps:
        assert result["step_id"] == step
        assert not [call for call in engine.calls if call[0] == "acknowledge"]
        if step == "confirm":
            shown = result["description_placeholders"]
            assert shown["count"] == "7"
            assert shown["losses"] == (
                r"- **Off-site server**: 2026-11-22/a\_b.mp4 (Frigate no longer has it)"
            )
        result = await fix(result)
    assert result["type"] == "create_entry"
    assert ("acknowledge", 1795336200.5) in engine.calls


async def test_losses_that_are_settled(
    hass: HomeAssistant, engine: StandInEngine, fix: Post
) -> None:
    """Tried again meanwhile, and with success."""
    await async_set_up(hass, frigate_entry(subentries=[sftp_subentry()]))
    engine.show(losses=LOST)
    result = await fix(f"items_lost_{ENTRY_ID}")
    engine.show(losses=Losses())
    result = await fix(result)
    assert (result["type"], result["reason"]) == ("abort", "already_settled")


@pytest.mark.parametrize(
    ("losses", "step"),
    [
        (LOST, "confirm"),
        (Losses(messages=True, until=1795336200.5), "messages"),
        (Losses(large_images=True, until=1795336200.5), "large_images"),
    ],
)
async def test_losses_while_the_ledger_fails(
    hass: HomeAssistant, engine: StandInEngine, fix: Post, losses: Losses, step: str
) -> None:
    """The step stays, and says that nothing was stored; until it can be."""
    await async_set_up(hass, frigate_entry(subentries=[sftp_subentry()]))
    engine.show(losses=losses)
    shown = await fix(f"items_lost_{ENTRY_ID}")
    engine.failure = LedgerError("locked")
    result = await fix(shown)
    assert (result["step_id"], result["errors"]) == (
        step,
        {"base": "not_acknowledged"},
    )
    assert result["description_placeholders"] == shown["description_placeholders"]
    engine.failure = None
    result = await fix(result)
    assert result["type"] == "create_entry"
    assert engine.calls.count(("acknowledge", 1795336200.5)) == 2


async def test_a_failed_drill(
    hass: HomeAssistant, engine: StandInEngine, fix: Post
) -> None:
    """Submitting drills the camera again, until that passes."""
    await async_set_up(hass, frigate_entry(subentries=[local_subentry("/media/nas")]))
    engine.show(drill=FAILED_DRILL)
    engine.drill = FAILED_DRILL
    result = await fix(f"drill_failed_{ENTRY_ID}")
    shown = result["description_placeholders"]
    assert shown["failures"] == r"- **front\_door**: Garage NAS"
    assert not [call for call in engine.calls if call[0] == "drill"]
    result = await fix(result)
    assert (result["type"], result["errors"]) == ("form", {"base": "drill_failed"})
    engine.failure = Refused(Refusal.DRILL_RUNNING)
    result = await fix(result)
    assert (result["type"], result["errors"]) == ("form", {"base": "drill_refused"})
    engine.failure = None
    (drill,) = PASSED_DRILL.drills
    (passed,) = drill.destinations
    skipped = replace(passed, outcome=DrillOutcome.SKIPPED)
    elsewhere = replace(passed, destination_id="another")
    engine.drill = replace(
        PASSED_DRILL, drills=(replace(drill, destinations=(skipped, elsewhere)),)
    )
    result = await fix(result)
    assert (result["type"], result["errors"]) == ("form", {"base": "drill_failed"})
    engine.show(drill=FAILED_DRILL)
    engine.drill = PASSED_DRILL
    result = await fix(result)
    assert result["type"] == "create_entry"
    assert engine.calls.count(("drill", "front_door")) == 4
    assert not open_issues(hass)


async def test_failed_drills_of_which_one_is_refused(
    hass: HomeAssistant, engine: StandInEngine, fix: Post
) -> None:
    """The cameras behind it are drilled all the same."""
    await async_set_up(hass, frigate_entry(subentries=[local_subentry("/media/nas")]))
    (failure,) = FAILED_DRILL.failures
    other = replace(failure, camera="back_yard")
    engine.show(drill=replace(FAILED_DRILL, failures=(other, failure)))
    engine.drill = replace(PASSED_DRILL, failures=(other,))
    engine.undrillable = {"back_yard": Refused(Refusal.NOTHING_TO_DRILL)}
    result = await fix(f"drill_failed_{ENTRY_ID}")
    result = await fix(result)
    drilled = [call[1] for call in engine.calls if call[0] == "drill"]
    assert drilled == ["back_yard", "front_door"]
    assert (result["type"], result["errors"]) == ("form", {"base": "drill_refused"})
    shown = result["description_placeholders"]
    assert shown["failures"] == r"- **back\_yard**: Garage NAS"


async def test_a_failed_drill_that_is_settled(
    hass: HomeAssistant, engine: StandInEngine, fix: Post
) -> None:
    """The weekly one has passed meanwhile."""
    await async_set_up(hass, frigate_entry(subentries=[local_subentry("/media/nas")]))
    engine.show(drill=FAILED_DRILL)
    result = await fix(f"drill_failed_{ENTRY_ID}")
    engine.show(drill=PASSED_DRILL)
    result = await fix(result)
    assert (result["type"], result["reason"]) == ("abort", "already_settled")


async def test_a_failing_ledger(
    hass: HomeAssistant, engine: StandInEngine, fix: Post
) -> None:
    """Submitting starts the entry again: a damaged ledger is looked through then."""
    await async_set_up(hass, frigate_entry())
    cause = Cause(code="ledger_failing", said="database disk image is *malformed*")
    engine.show(ledger_failing=True, home_error="Ledger: malformed", ledger_cause=cause)
    result = await fix(f"ledger_failing_{ENTRY_ID}")
    assert result["description_placeholders"]["cause"] == (
        "The ledger can't be used. Original message:"
        r' "database disk image is \*malformed\*"'
    )
    assert ("stop",) not in engine.calls
    result = await fix(result)
    assert result["type"] == "create_entry"
    await hass.async_block_till_done()
    assert ("stop",) in engine.calls


READ_ONLY = LedgerError("?", said="attempt to write a readonly database")
FULL = LedgerError("Ledger one.db: database or disk is full", said="disk is full")


def start_repair(hass: HomeAssistant) -> tuple[str | None, bool | None, str]:
    """Return the texts, the form and the cause of the one open repair."""
    (issue_id,) = open_issues(hass)
    found = issue(hass, issue_id)
    assert found.translation_placeholders is not None
    assert found.translation_placeholders["frigate"] == "Frigate"
    return (
        found.translation_key,
        found.is_fixable,
        found.translation_placeholders["cause"],
    )


async def retry(hass: HomeAssistant) -> None:
    """Let Home Assistant try to start the entry by itself."""
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(minutes=10))
    await hass.async_block_till_done(wait_background_tasks=True)


async def test_a_failing_ledger_that_is_not_opened_again(
    hass: HomeAssistant, engine: StandInEngine, fix: Post
) -> None:
    """The repair stays until everything works, whatever fails meanwhile."""
    entry = frigate_entry()
    await async_set_up(hass, entry)
    engine.show(ledger_failing=True)
    result = await fix(f"ledger_failing_{ENTRY_ID}")
    engine.failure = READ_ONLY
    result = await fix(result)
    assert result["type"] == "create_entry"
    await hass.async_block_till_done()
    assert entry.state is ConfigEntryState.SETUP_RETRY
    key, is_fixable, cause = start_repair(hass)
    assert (key, is_fixable) == ("ledger_not_opened", False)
    assert "readonly" in cause

    engine.failure = FULL
    await retry(hass)
    key, is_fixable, cause = start_repair(hass)
    assert (key, is_fixable) == ("disk_full", False)
    assert "disk is full" in cause

    engine.failure = READ_ONLY
    await retry(hass)
    assert start_repair(hass)[0] == "ledger_not_opened"

    engine.failure = None
    engine.first_status = replace(engine.first_status, ledger_failing=True)
    await retry(hass)
    assert entry.state is ConfigEntryState.LOADED
    assert start_repair(hass)[:2] == ("ledger_failing", True)
    engine.show(ledger_failing=False)
    assert not open_issues(hass)


@pytest.mark.parametrize("failure", [READ_ONLY, FULL])
async def test_a_ledger_that_can_be_opened_later(
    hass: HomeAssistant, engine: StandInEngine, failure: LedgerError
) -> None:
    """From a restart of Home Assistant on, until the entry has started."""
    entry = frigate_entry()
    engine.failure = failure
    await async_set_up(hass, entry)
    assert len(open_issues(hass)) == 1
    engine.failure = None
    await retry(hass)
    assert entry.state is ConfigEntryState.LOADED
    assert not open_issues(hass)


@pytest.mark.parametrize("leave", ["async_unload", "async_remove"])
@pytest.mark.parametrize("failure", [READ_ONLY, FULL])
async def test_an_entry_goes_that_never_started(
    hass: HomeAssistant, engine: StandInEngine, failure: LedgerError, leave: str
) -> None:
    """Nothing is left to repair then; another entry's repair stays."""
    engine.failure = failure
    await async_set_up(hass, frigate_entry())
    other = MockConfigEntry(
        domain=DOMAIN, title="Barn", unique_id="barn", data=frigate_entry().data
    )
    await async_set_up(hass, other)
    assert len(open_issues(hass)) == 2
    await getattr(hass.config_entries, leave)(ENTRY_ID)
    (left,) = open_issues(hass)
    assert left.endswith(other.entry_id)


async def test_another_topic_prefix(
    hass: HomeAssistant, engine: StandInEngine, fix: Post
) -> None:
    """Submitting listens to the new one that was shown."""
    entry = frigate_entry()
    await async_set_up(hass, entry)
    engine.show(topic_prefix_changed=True, frigate_topic_prefix="cams")
    result = await fix(f"topic_prefix_changed_{ENTRY_ID}")
    shown = result["description_placeholders"]
    assert (shown["old_prefix"], shown["new_prefix"]) == ("frigate", "cams")
    engine.show(frigate_topic_prefix="cameras")
    result = await fix(result)
    assert result["description_placeholders"]["new_prefix"] == "cameras"
    assert entry.unique_id == "frigate"
    result = await fix(result)
    assert result["type"] == "create_entry"
    await hass.async_block_till_done()
    assert entry.unique_id == "cameras"
    assert engine.arguments["topic_prefix"] == "cameras"
    assert entry.state is ConfigEntryState.LOADED


async def test_another_topic_prefix_of_what_was_unloaded(
    hass: HomeAssistant, engine: StandInEngine, fix: Post
) -> None:
    """Disabled while the form was open."""
    entry = frigate_entry()
    await async_set_up(hass, entry)
    engine.show(topic_prefix_changed=True, frigate_topic_prefix="cams")
    result = await fix(f"topic_prefix_changed_{ENTRY_ID}")
    assert await hass.config_entries.async_unload(ENTRY_ID)
    result = await fix(result)
    assert (result["type"], result["reason"]) == ("abort", "already_settled")
    assert entry.unique_id == "frigate"


@pytest.mark.parametrize(
    ("prefix", "reason"),
    [("barn", "already_configured"), ("a/+/b", "invalid_topic_prefix")],
)
async def test_a_topic_prefix_that_can_not_be_used(
    hass: HomeAssistant, engine: StandInEngine, fix: Post, prefix: str, reason: str
) -> None:
    """It is another entry's, or none at all."""
    await async_set_up(hass, frigate_entry())
    MockConfigEntry(domain=DOMAIN, unique_id="barn").add_to_hass(hass)
    engine.show(topic_prefix_changed=True, frigate_topic_prefix=prefix)
    result = await fix(f"topic_prefix_changed_{ENTRY_ID}")
    assert (result["type"], result["reason"]) == ("abort", reason)


async def test_a_topic_prefix_that_is_taken_meanwhile(
    hass: HomeAssistant, engine: StandInEngine, fix: Post
) -> None:
    """The owner has set up what was discovered, with the form still open."""
    entry = frigate_entry()
    await async_set_up(hass, entry)
    engine.show(topic_prefix_changed=True, frigate_topic_prefix="cams")
    result = await fix(f"topic_prefix_changed_{ENTRY_ID}")
    MockConfigEntry(domain=DOMAIN, unique_id="cams").add_to_hass(hass)
    result = await fix(result)
    assert (result["type"], result["reason"]) == ("abort", "already_configured")
    assert entry.unique_id == "frigate"


@pytest.mark.parametrize("is_meanwhile", [False, True])
async def test_a_topic_prefix_whose_discovery_was_ignored(
    hass: HomeAssistant,
    engine: StandInEngine,
    fix: Post,
    caplog: pytest.LogCaptureFixture,
    is_meanwhile: bool,
) -> None:
    """Nothing listens to it. It is not offered again either: it has an entry now."""
    entry = frigate_entry(unique_id="cams")
    await async_set_up(hass, entry)
    async_fire_mqtt_message(hass, "frigate/available", "online")
    await hass.async_block_till_done(wait_background_tasks=True)
    flows = hass.config_entries.flow
    (card,) = flows.async_progress_by_handler(DOMAIN)
    engine.show(topic_prefix_changed=True, frigate_topic_prefix="frigate")

    async def ignore() -> None:
        await flows.async_init(
            DOMAIN,
            context={
                "source": SOURCE_IGNORE,
                "discovery_key": card["context"]["discovery_key"],
            },
            data={"unique_id": "frigate", "title": "Frigate"},
        )
        assert len(hass.config_entries.async_entries(DOMAIN)) == 2

    if not is_meanwhile:
        await ignore()
    result = await fix(f"topic_prefix_changed_{ENTRY_ID}")
    assert result["type"] == "form"
    if is_meanwhile:
        await ignore()
    result = await fix(result)
    assert result["type"] == "create_entry"
    await hass.async_block_till_done(wait_background_tasks=True)
    assert hass.config_entries.async_entries(DOMAIN) == [entry]
    assert entry.unique_id == "frigate"
    assert engine.arguments["topic_prefix"] == "frigate"
    assert not flows.async_progress_by_handler(DOMAIN)
    assert "already in use" not in caplog.text


async def test_a_topic_prefix_of_the_owner_s_choice(
    hass: HomeAssistant, engine: StandInEngine
) -> None:
    """The engine learns that Frigate's own may be another."""
    entry = frigate_entry(data={"topic_prefix": "frigate"})
    await async_set_up(hass, entry)
    assert not engine.arguments["options"].follows_topic_prefix
