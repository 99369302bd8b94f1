"""What a person must mend: told when it happens, taken back when it is over."""

import ast
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

from aiohttp.test_utils import TestClient
import asyncssh
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.frigate_snap_sync.cause import Cause
from custom_components.frigate_snap_sync.const import DOMAIN
from custom_components.frigate_snap_sync.issues import FRIGATE_ISSUES, takes_entry
from custom_components.frigate_snap_sync.storage.errors import (
    PermissionDenied,
    Unreachable,
)
from custom_components.frigate_snap_sync.sync.model.status import (
    Losses,
    Problem,
    Reason,
)
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component

from .component import (
    ENTRY_ID,
    FAILED_DRILL,
    LOCAL_ID,
    SFTP_ID,
    StandInEngine,
    async_set_up,
    frigate_entry,
    local_subentry,
    sftp_subentry,
)
from .flow_texts import english, placeholders
from .harness.sftp_server import SftpServer
from .source import module_name, trees
from .test_sftp_flow import stored_server

pytestmark = pytest.mark.usefixtures("mqtt_client", "folders")

type Post = Callable[..., Awaitable[dict[str, Any]]]


@pytest.fixture
async def server(
    socket_enabled: None, hass: HomeAssistant, tmp_path: Path
) -> AsyncIterator[SftpServer]:
    """Run an SFTP server that takes a password."""
    async with SftpServer(tmp_path / "server") as running:
        yield running


@pytest.fixture
async def fix(hass: HomeAssistant, hass_client: ClientSessionGenerator) -> Post:
    """Return what opens a repair as the frontend does, and submits its steps.

    The web server starts with the first of them: a test's takes no views after that.
    """
    assert await async_setup_component(hass, "repairs", {})
    clients: list[TestClient[Any, Any]] = []

    async def post(to: str | dict[str, Any], **fields: Any) -> dict[str, Any]:
        if not clients:
            clients.append(await hass_client())
        (client,) = clients
        if isinstance(to, str):
            path, body = "", {"handler": DOMAIN, "issue_id": to}
        else:
            path, body = f"/{to['flow_id']}", fields
        response = await client.post(f"/api/repairs/issues/fix{path}", json=body)
        assert response.status == 200, await response.text()
        await hass.async_block_till_done()
        answer: dict[str, Any] = await response.json()
        return answer

    return post


def open_issues(hass: HomeAssistant) -> set[str]:
    """Return the ids of our issues."""
    return {
        issue_id
        for (domain, issue_id), issue in ir.async_get(hass).issues.items()
        if domain == DOMAIN and issue.active
    }


def issue(hass: HomeAssistant, issue_id: str) -> ir.IssueEntry:
    """Return an issue."""
    found = ir.async_get(hass).async_get_issue(DOMAIN, issue_id)
    assert found is not None, issue_id
    return found


def pinned(key: asyncssh.SSHKey) -> str:
    """Return a host key as it is stored."""
    return " ".join(key.export_public_key().decode().split()[:2])


FULL = Cause(code="no_space", said="Full")


# Told and taken back


@pytest.mark.parametrize("problem", list(Problem))
async def test_of_a_destination(
    hass: HomeAssistant, engine: StandInEngine, problem: Problem
) -> None:
    """Open while the destination has the problem; each destination for itself."""
    entry = frigate_entry(subentries=[local_subentry("/media/nas"), sftp_subentry()])
    await async_set_up(hass, entry)
    assert not open_issues(hass)

    cause = Cause(code="rejected", said="It says no", step="Writing")
    engine.show_destination(SFTP_ID, problem=problem, reason="Raw", cause=cause)
    assert open_issues(hass) == {f"{problem}_{SFTP_ID}"}
    found = issue(hass, f"{problem}_{SFTP_ID}")
    assert found.translation_key == problem
    assert found.translation_placeholders == {
        "destination": "Off-site server",
        "reason": 'Writing: File rejected. Original message: "It says no"',
    }
    assert found.is_fixable
    assert not found.is_persistent
    assert found.severity is ir.IssueSeverity.ERROR

    engine.show_destination(LOCAL_ID, problem=problem)
    assert open_issues(hass) == {f"{problem}_{SFTP_ID}", f"{problem}_{LOCAL_ID}"}
    engine.show_destination(SFTP_ID, problem=None)
    assert open_issues(hass) == {f"{problem}_{LOCAL_ID}"}


async def test_another_problem_takes_its_place(
    hass: HomeAssistant, engine: StandInEngine
) -> None:
    """One cause at a time; the text follows the newest error and the name."""
    entry = frigate_entry(subentries=[sftp_subentry()])
    await async_set_up(hass, entry)
    engine.show_destination(SFTP_ID, problem=Problem.NO_SPACE, cause=FULL)
    engine.show_destination(SFTP_ID, problem=Problem.LOGIN_REFUSED)
    assert open_issues(hass) == {f"login_refused_{SFTP_ID}"}

    hass.config_entries.async_update_subentry(
        entry, entry.subentries[SFTP_ID], title="Attic"
    )
    await hass.async_block_till_done()
    placeholders = issue(hass, f"login_refused_{SFTP_ID}").translation_placeholders
    assert placeholders is not None
    assert placeholders["destination"] == "Attic"


async def test_ignored_stays_ignored(
    hass: HomeAssistant, engine: StandInEngine
) -> None:
    """What the owner ignores is not told anew by every status."""
    await async_set_up(hass, frigate_entry(subentries=[sftp_subentry()]))
    issue_id = f"no_space_{SFTP_ID}"
    engine.show_destination(SFTP_ID, problem=Problem.NO_SPACE, cause=FULL)
    ir.async_ignore_issue(hass, DOMAIN, issue_id, True)
    engine.show_destination(SFTP_ID, cause=replace(FULL, said="Still full"))
    assert issue(hass, issue_id).dismissed_version is not None


async def test_destination_removed(hass: HomeAssistant, engine: StandInEngine) -> None:
    """Nobody needs to mend what is gone."""
    entry = frigate_entry(subentries=[local_subentry("/media/nas"), sftp_subentry()])
    await async_set_up(hass, entry)
    for destination_id in (LOCAL_ID, SFTP_ID):
        engine.show_destination(destination_id, problem=Problem.NOT_WRITABLE)
    hass.config_entries.async_remove_subentry(entry, SFTP_ID)
    await hass.async_block_till_done()
    assert open_issues(hass) == {f"not_writable_{LOCAL_ID}"}


OF_FRIGATE: dict[str, dict[str, Any]] = {
    "no_destination": {"reasons": (Reason.NO_DESTINATION,)},
    "frigate_mqtt_disabled": {"frigate_mqtt_disabled": True},
    "no_mqtt_messages": {"no_mqtt_messages": True},
    "topic_prefix_changed": {
        "topic_prefix_changed": True,
        "frigate_topic_prefix": "cams",
    },
    "nothing_uploaded": {"nothing_uploaded": True},
    "spool_full": {"spool_full": True},
    "disk_full": {
        "disk_full": True,
        "disk_cause": Cause(code="spool_failing", said="No *space* left"),
    },
    "ledger_failing": {
        "ledger_failing": True,
        "ledger_cause": Cause(code="ledger_failing", said="disk I/O error"),
    },
    "items_lost": {"losses": Losses(count=1)},
    "drill_failed": {"drill": FAILED_DRILL},
}
"""What the status says when an issue is to be open."""
FIXABLE = {"topic_prefix_changed", "ledger_failing", "items_lost", "drill_failed"}


def test_every_issue_of_a_frigate_is_tested() -> None:
    """So that none is forgotten here when it is added there."""
    assert OF_FRIGATE.keys() == FRIGATE_ISSUES.keys()


@pytest.mark.parametrize("key", list(FRIGATE_ISSUES))
async def test_of_a_frigate(
    hass: HomeAssistant, engine: StandInEngine, key: str
) -> None:
    """Open while the status says so."""
    await async_set_up(hass, frigate_entry())
    before = engine.status
    engine.show(**OF_FRIGATE[key])
    assert open_issues(hass) == {f"{key}_{ENTRY_ID}"}
    found = issue(hass, f"{key}_{ENTRY_ID}")
    assert found.translation_key == key
    assert found.is_fixable is (key in FIXABLE)
    given = found.translation_placeholders
    assert given is not None
    assert given["frigate"] == "Frigate"
    assert placeholders(english()["issues"][key].get("description", "")) <= set(given)
    engine.show(**{name: getattr(before, name) for name in OF_FRIGATE[key]})
    assert not open_issues(hass)


async def test_texts_of_others_are_no_markdown(
    hass: HomeAssistant, engine: StandInEngine
) -> None:
    """A server's error, or a name, can neither make a link nor hide anything."""
    entry = frigate_entry(subentries=[sftp_subentry()])
    await async_set_up(hass, entry)
    hass.config_entries.async_update_entry(entry, title="[Frigate](https://a.b)")
    said = "**No** <b>space</b>\n\n# left"
    engine.show(disk_full=True, disk_cause=Cause(code="spool_full", said=said))
    given = issue(hass, f"disk_full_{ENTRY_ID}").translation_placeholders
    assert given == {
        "frigate": r"\[Frigate\]\(https\://a.b\)",
        "cause": "The spool is full. Original message:"
        r' "\*\*No\*\* \<b\>space\</b\> \# left"',
    }


async def test_a_full_disk_that_nothing_has_met(
    hass: HomeAssistant, engine: StandInEngine
) -> None:
    """Seen before anything failed on it; what else fails has a repair of its own."""
    await async_set_up(hass, frigate_entry())
    other = Cause(code="ledger_failing", said="disk I/O error")
    engine.show(disk_full=True, ledger_failing=True, ledger_cause=other)
    given = issue(hass, f"disk_full_{ENTRY_ID}").translation_placeholders
    assert given == {"frigate": "Frigate", "cause": "No space left"}


async def test_of_two_frigates(hass: HomeAssistant, engine: StandInEngine) -> None:
    """Each has its own, which neither opens nor closes the other's."""
    await async_set_up(hass, frigate_entry())
    first, before = engine.arguments["on_status"], engine.status
    other = MockConfigEntry(
        domain=DOMAIN,
        title="Barn",
        unique_id="barn",
        data={"url": "http://192.0.2.6:5000", "verify_ssl": True},
    )
    await async_set_up(hass, other)
    engine.show(spool_full=True)
    of_barn, of_frigate = f"spool_full_{other.entry_id}", f"spool_full_{ENTRY_ID}"
    assert issue(hass, of_barn).translation_placeholders == {"frigate": "Barn"}
    first(replace(before, spool_full=True))
    assert open_issues(hass) == {of_barn, of_frigate}

    assert await hass.config_entries.async_unload(other.entry_id)
    assert open_issues(hass) == {of_frigate}
    first(before)
    assert not open_issues(hass)


async def test_space_is_running_out(hass: HomeAssistant, engine: StandInEngine) -> None:
    """A warning with numbers, until it is full: then that is the repair."""
    await async_set_up(hass, frigate_entry(subentries=[local_subentry("/media/nas")]))
    engine.show_destination(
        LOCAL_ID, free_space=1_500_000_000, space_needed=12_340_000_000
    )
    assert open_issues(hass) == {f"space_low_{LOCAL_ID}"}
    found = issue(hass, f"space_low_{LOCAL_ID}")
    assert found.severity is ir.IssueSeverity.WARNING
    assert found.translation_placeholders == {
        "destination": "Garage NAS",
        "name": "Garage NAS",
        "free": "1.5",
        "needed": "12.4",
    }
    # Never as if there were enough.
    engine.show_destination(
        LOCAL_ID, free_space=2_350_000_000, space_needed=2_362_232_012
    )
    given = issue(hass, f"space_low_{LOCAL_ID}").translation_placeholders
    assert given is not None
    assert (given["free"], given["needed"]) == ("2.3", "2.4")
    engine.show_destination(LOCAL_ID, problem=Problem.NO_SPACE)
    assert open_issues(hass) == {f"no_space_{LOCAL_ID}"}
    engine.show_destination(LOCAL_ID, problem=None, space_needed=None)
    assert not open_issues(hass)


@pytest.mark.parametrize("leave", ["async_unload", "async_remove"])
async def test_entry_goes(
    hass: HomeAssistant, engine: StandInEngine, leave: str
) -> None:
    """Without the entry there is nothing to mend."""
    entry = frigate_entry(subentries=[sftp_subentry()])
    await async_set_up(hass, entry)
    engine.show_destination(SFTP_ID, problem=Problem.HOST_KEY_CHANGED)
    engine.show(no_mqtt_messages=True)
    assert len(open_issues(hass)) == 2
    await getattr(hass.config_entries, leave)(entry.entry_id)
    assert not open_issues(hass)


async def test_entry_that_could_not_be_unloaded_is_removed(
    hass: HomeAssistant, engine: StandInEngine
) -> None:
    """Its issues go all the same."""
    entry = frigate_entry(subentries=[sftp_subentry()])
    await async_set_up(hass, entry)
    engine.show_destination(SFTP_ID, problem=Problem.NO_SPACE)
    engine.show(spool_full=True)
    with patch.object(
        hass.config_entries, "async_unload_platforms", side_effect=RuntimeError
    ):
        assert not await hass.config_entries.async_unload(entry.entry_id)
    assert entry.state is ConfigEntryState.FAILED_UNLOAD
    assert len(open_issues(hass)) == 2
    await hass.config_entries.async_remove(entry.entry_id)
    assert not open_issues(hass)


# What is mended elsewhere


@pytest.mark.parametrize(
    "problem", ["not_writable", "not_mounted", "no_space", "unreachable"]
)
async def test_test_again(
    hass: HomeAssistant, engine: StandInEngine, fix: Post, problem: str
) -> None:
    """The repair closes when the test succeeds, and not before."""
    await async_set_up(hass, frigate_entry(subentries=[local_subentry("/media/nas")]))
    issue_id = f"{problem}_{LOCAL_ID}"
    engine.show_destination(LOCAL_ID, problem=Problem(problem), cause=FULL)
    result = await fix(issue_id)
    assert result["step_id"] == "confirm"
    assert result["description_placeholders"] == {
        "destination": "Garage NAS",
        "name": "Garage NAS",
        "reason": 'No space left. Original message: "Full"',
        "cause": 'No space left. Original message: "Full"',
    }

    engine.failure = PermissionDenied("It still can't", said="It still can't")
    result = await fix(result)
    assert result["errors"] == {"base": "test_failed"}
    assert result["description_placeholders"]["reason"] == (
        'Not writable. Original message: "It still can\'t"'
    )
    assert open_issues(hass) == {issue_id}

    engine.failure = None
    result = await fix(result)
    assert result["type"] == "create_entry"
    assert engine.calls.count(("test", LOCAL_ID)) == 2
    assert not open_issues(hass)


# While a repair is open in the frontend


@pytest.mark.parametrize("problem", list(Problem))
async def test_settled_meanwhile(
    hass: HomeAssistant,
    engine: StandInEngine,
    server: SftpServer,
    fix: Post,
    problem: Problem,
) -> None:
    """What has healed is left alone."""
    old = asyncssh.generate_private_key("ssh-ed25519")
    entry = frigate_entry(subentries=[stored_server(server, host_key=pinned(old))])
    await async_set_up(hass, entry)
    before = dict(entry.subentries[SFTP_ID].data)
    engine.show_destination(SFTP_ID, problem=problem)
    result = await fix(f"{problem}_{SFTP_ID}")
    assert result["type"] == "form"
    engine.show_destination(SFTP_ID, problem=None)
    result = await fix(result)
    assert result["type"] == "abort"
    assert result["reason"] == "already_settled"
    assert entry.subentries[SFTP_ID].data == before
    assert ("test", SFTP_ID) not in engine.calls


@pytest.mark.parametrize(
    ("problem", "changes"),
    [
        *((problem, {}) for problem in Problem),
        (Problem.LOGIN_REFUSED, {"password": None, "public_key": "ssh-ed25519 AAAA"}),
    ],
)
async def test_shown_again(
    hass: HomeAssistant,
    engine: StandInEngine,
    server: SftpServer,
    fix: Post,
    hass_client: ClientSessionGenerator,
    problem: Problem,
    changes: dict[str, Any],
) -> None:
    """The frontend may load a step once more."""
    old = asyncssh.generate_private_key("ssh-ed25519")
    stored = stored_server(server, host_key=pinned(old), **changes)
    await async_set_up(hass, frigate_entry(subentries=[stored]))
    engine.show_destination(SFTP_ID, problem=problem)
    result = await fix(f"{problem}_{SFTP_ID}")
    client = await hass_client()
    response = await client.get(f"/api/repairs/issues/fix/{result['flow_id']}")
    again = await response.json()
    assert again["step_id"] == result["step_id"]
    assert again["description_placeholders"] == result["description_placeholders"]


async def test_destination_removed_meanwhile(
    hass: HomeAssistant, engine: StandInEngine, fix: Post
) -> None:
    """The destination and its entry may be gone when somebody submits."""
    entry = frigate_entry(subentries=[local_subentry("/media/nas"), sftp_subentry()])
    await async_set_up(hass, entry)
    for destination_id in (LOCAL_ID, SFTP_ID):
        engine.show_destination(destination_id, problem=Problem.NO_SPACE)
    one = await fix(f"no_space_{SFTP_ID}")
    other = await fix(f"no_space_{LOCAL_ID}")
    shown = issue(hass, f"no_space_{SFTP_ID}")
    hass.config_entries.async_remove_subentry(entry, SFTP_ID)
    await hass.async_block_till_done()
    # The repair itself may be there a moment longer.
    ir.async_create_issue(
        hass,
        DOMAIN,
        shown.issue_id,
        data=shown.data,
        is_fixable=True,
        learn_more_url=shown.learn_more_url,
        severity=ir.IssueSeverity.ERROR,
        translation_key="no_space",
    )
    assert (await fix(one))["reason"] == "already_settled"
    ir.async_delete_issue(hass, DOMAIN, shown.issue_id)
    await hass.config_entries.async_remove(ENTRY_ID)
    assert (await fix(other))["reason"] == "already_settled"


@pytest.mark.parametrize("is_entry", [False, True])
@pytest.mark.parametrize("problem", [Problem.NO_SPACE, Problem.LOGIN_REFUSED])
async def test_destination_removed_while_it_is_tested(
    hass: HomeAssistant,
    engine: StandInEngine,
    fix: Post,
    problem: Problem,
    is_entry: bool,
) -> None:
    """What is tried then fails for just that."""
    entry = frigate_entry(subentries=[sftp_subentry()])
    await async_set_up(hass, entry)
    engine.show_destination(SFTP_ID, problem=problem)
    form = await fix(f"{problem}_{SFTP_ID}")

    async def removed(destination_id: str) -> None:
        if is_entry:
            await hass.config_entries.async_remove(ENTRY_ID)
        else:
            hass.config_entries.async_remove_subentry(entry, destination_id)
        raise Unreachable("The destination is no longer in use")

    engine.test_destination = removed  # type: ignore[method-assign]
    assert (await fix(form))["reason"] == "already_settled"


def test_issues_name_their_entry_where_home_assistant_knows_it() -> None:
    """2026.10 does not yet; all issues are made in the one place that looks."""

    def create_2026_10(hass: HomeAssistant, domain: str, issue_id: str) -> None: ...

    def create_2026_11(
        hass: HomeAssistant, domain: str, issue_id: str, *, config_entry_id: str | None
    ) -> None: ...

    assert not takes_entry(create_2026_10)
    assert takes_entry(create_2026_11)
    makers = [
        (module_name(path), node.lineno)
        for path, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).endswith("create_issue")
    ]
    assert [name for name, _ in makers] == ["issues"]
