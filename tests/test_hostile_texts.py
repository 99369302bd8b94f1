"""What servers, Frigate and names may say is shown as text, never as Markdown or HTML.

The fixture check_flow_texts looks at every text that is shown; here it gets the worst.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from custom_components.frigate_snap_sync.cause import Cause
from custom_components.frigate_snap_sync.const import DOMAIN
from custom_components.frigate_snap_sync.issues import FRIGATE_ISSUES
from custom_components.frigate_snap_sync.markdown import MAX_LENGTH
from custom_components.frigate_snap_sync.storage.errors import PermissionDenied
from custom_components.frigate_snap_sync.sync.model.status import (
    Loss,
    Losses,
    Problem,
    Reason,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir

from .component import (
    FAILED_DRILL,
    SFTP_ID,
    StandInEngine,
    async_set_up,
    frigate_entry,
    sftp_subentry,
)
from .flow_texts import english, unsafe
from .test_repairs import fix

__all__ = ["fix"]

pytestmark = pytest.mark.usefixtures("mqtt_client", "folders")

HOSTILE = (
    "# [Log in](https://evil.example) <img src=x onerror=alert(1)> **now** `code`\n"
    "| a | b |\n|---|---|\n\x1b[31m\u202egnp.exe &lt;b&gt; www.evil.example _x_ ~~y~~ "
    + "z"
    * 5000
)


def shown_in_markdown(problem: str, result: dict[str, Any]) -> list[str]:
    """Return what would not be shown as text; and see that all of it is short."""
    values = result["description_placeholders"] or {}
    assert all(
        len(value) <= 2 * MAX_LENGTH
        for name, value in values.items()
        if name != "losses"
    )
    flow = english()["issues"][problem]["fix_flow"]
    if result["type"] == "abort":
        return unsafe(flow["abort"][result["reason"]], values)
    return unsafe(flow["step"][result["step_id"]].get("description", ""), values)


def test_the_check_itself() -> None:
    """A check that finds nothing proves nothing."""
    assert unsafe("A {name}", {"name": HOSTILE}) == ["name", "name"]
    for part in ("*a*", "[a](b)", "<b>", "`c`", "http://a", "www.a", "_a_", "&lt;"):
        assert unsafe("A {name}", {"name": part}) == ["name"], part
    assert unsafe("`{name}`", {"name": "a `b`"}) == ["name"]
    assert unsafe("A {name}", {"name": "front_door: 1.5 (a-b), c/d"}) == []


@pytest.fixture
async def hostile_port(socket_enabled: None) -> AsyncIterator[int]:
    """Run a server whose first words are the worst; return its port."""

    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HOSTILE.encode())
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


@pytest.mark.parametrize("problem", list(Problem))
async def test_repairs_of_destinations(
    hass: HomeAssistant,
    engine: StandInEngine,
    fix: Any,
    problem: Problem,
    hostile_port: int,
) -> None:
    """The reason is a server's, the title its owner's, the file's name anybody's."""
    entry = frigate_entry(
        subentries=[
            sftp_subentry(username="**me**", host="127.0.0.1", port=hostile_port)
        ]
    )
    await async_set_up(hass, entry)
    hass.config_entries.async_update_subentry(
        entry, entry.subentries[SFTP_ID], title=HOSTILE[:80]
    )
    await hass.async_block_till_done()
    cause = Cause(code="rejected", hint="no_folder", about=HOSTILE, said=HOSTILE)
    engine.show_destination(SFTP_ID, problem=problem, cause=cause)
    result = await fix(f"{problem}_{SFTP_ID}")
    assert shown_in_markdown(problem, result) == []
    if result["type"] == "form" and not result["data_schema"]:
        engine.failure = PermissionDenied(HOSTILE, said=HOSTILE)
        result = await fix(result)
        assert result["errors"]
        assert shown_in_markdown(problem, result) == []


@pytest.mark.parametrize("key", list(FRIGATE_ISSUES))
async def test_repairs_of_frigate(
    hass: HomeAssistant, engine: StandInEngine, fix: Any, key: str
) -> None:
    """What Frigate, MQTT and the disk say, and the names of files."""
    entry = frigate_entry(subentries=[sftp_subentry()])
    await async_set_up(hass, entry)
    hass.config_entries.async_update_entry(entry, title=HOSTILE[:80])
    engine.show(
        reasons=tuple(Reason),
        drill=FAILED_DRILL,
        frigate_mqtt_disabled=True,
        no_mqtt_messages=True,
        nothing_uploaded=True,
        spool_full=True,
        disk_full=True,
        ledger_failing=True,
        disk_cause=Cause(code="spool_failing", said=HOSTILE),
        ledger_cause=Cause(code="spool_failing", said=HOSTILE),
        topic_prefix_changed=True,
        frigate_topic_prefix=HOSTILE,
        losses=Losses(
            count=1,
            newest=(
                Loss(
                    destination_id=SFTP_ID, path=HOSTILE, cause="gone", reason=HOSTILE
                ),
            ),
        ),
    )
    issue = ir.async_get(hass).async_get_issue(DOMAIN, f"{key}_{entry.entry_id}")
    assert issue is not None
    text = english()["issues"][key].get("description", "")
    assert unsafe(text, issue.translation_placeholders or {}) == []
    if issue.is_fixable:
        result = await fix(issue.issue_id)
        assert shown_in_markdown(key, result) == []
        losses = (result["description_placeholders"] or {}).get("losses", "")
        for line in losses.splitlines():
            # Our own are the dash and the name in bold.
            line = line.removeprefix("- **").replace("**:", "", 1)
            assert unsafe("{line}", {"line": line}) == []
