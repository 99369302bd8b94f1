"""What a person can do something about, shown as repairs and as a request for a login.

All open and close by themselves, as the engine's status goes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from inspect import signature
from math import ceil, floor
from typing import Any, Final

from homeassistant.config_entries import SOURCE_REAUTH, SOURCE_RECONFIGURE, ConfigEntry
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir

from .cause import Cause
from .const import DOMAIN, MANUAL
from .coordinator import FrigateSnapSyncConfigEntry
from .markdown import escape, one_line
from .sync.model.status import EngineStatus, Problem, Reason
from .words import async_disk_cause, async_ledger_cause, async_why


def takes_entry(create_issue: Callable[..., None]) -> bool:
    """Tell whether Home Assistant's function for issues takes their entry."""
    return "config_entry_id" in signature(create_issue).parameters


_ERROR, _WARNING = ir.IssueSeverity.ERROR, ir.IssueSeverity.WARNING

_REPAIRS = "troubleshooting.md#repairs"

_NAMES_ENTRY: Final = takes_entry(ir.async_create_issue)
"""Home Assistant 2026.11 leads from a repair to the entry that it is about."""

_TENTH = 10**8
"""Bytes of a tenth of a gigabyte."""
_GIBIBYTE = 1 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class FrigateIssue:
    """What may be wrong with a Frigate, or with what stands around it.

    `values` fills the description; what it returns is escaped. `page` of the manual
    says more.
    """

    severity: ir.IssueSeverity = _ERROR
    applies: Callable[[EngineStatus], bool]
    values: Callable[[HomeAssistant, EngineStatus], dict[str, str]] = lambda *_: {}
    is_fixable: bool = False
    page: str = _REPAIRS


FRIGATE_ISSUES: Final[dict[str, FrigateIssue]] = {
    "no_destination": FrigateIssue(
        applies=lambda status: Reason.NO_DESTINATION in status.reasons
    ),
    "frigate_mqtt_disabled": FrigateIssue(
        applies=lambda status: status.frigate_mqtt_disabled
    ),
    "no_mqtt_messages": FrigateIssue(applies=lambda status: status.no_mqtt_messages),
    "topic_prefix_changed": FrigateIssue(
        applies=lambda status: status.topic_prefix_changed,
        values=lambda _, status: {"new_prefix": status.frigate_topic_prefix or ""},
        is_fixable=True,
    ),
    "nothing_uploaded": FrigateIssue(
        severity=_WARNING, applies=lambda status: status.nothing_uploaded
    ),
    "spool_full": FrigateIssue(
        applies=lambda status: status.spool_full,
        page="uploads.md#when-much-is-waiting",
    ),
    "disk_full": FrigateIssue(
        applies=lambda status: status.disk_full,
        values=lambda hass, status: {"cause": async_disk_cause(hass, status)},
    ),
    "ledger_failing": FrigateIssue(
        applies=lambda status: status.ledger_failing,
        values=lambda hass, status: {"cause": async_ledger_cause(hass, status)},
        is_fixable=True,
    ),
    "drill_failed": FrigateIssue(
        applies=lambda status: bool(status.drill.failures),
        is_fixable=True,
        page="uploads.md#fire-drill",
    ),
    "items_lost": FrigateIssue(
        applies=lambda status: bool(status.losses),
        is_fixable=True,
        page="uploads.md#states",
    ),
}

AT_START: Final = frozenset({"disk_full", "ledger_failing"})
"""What may be open already when an entry has started: it could not start before."""

SPACE_LOW: Final = "space_low"
"""What may be wrong with a destination that works."""
BUDGET_SPENT: Final = "budget_spent"
"""What a destination's budget does not let it take any more."""

PAGES: Final[dict[str, str]] = {
    Problem.HOST_KEY_CHANGED: "sftp-server.md#the-fingerprint",
    Problem.LOGIN_REFUSED: "troubleshooting.md#destinations",
    Problem.NOT_WRITABLE: "troubleshooting.md#destinations",
    Problem.NOT_MOUNTED: "folders.md#if-the-share-is-not-mounted",
    Problem.NO_SPACE: "troubleshooting.md#destinations",
    Problem.UNREACHABLE: "uploads.md#when-a-destination-is-away",
    SPACE_LOW: _REPAIRS,
    BUDGET_SPENT: "uploads.md#monthly-budget",
}
"""The pages of the manual about what may be wrong with a destination."""


def manual(page: str) -> str:
    """Return the address of a page of the manual."""
    return f"{MANUAL}/{page}"


def frigate_issue_id(key: str, entry_id: str) -> str:
    """Return the id of an issue about a Frigate."""
    return f"{key}_{entry_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DestinationIssue:
    """What an issue about a destination keeps for its repair."""

    entry_id: str
    subentry_id: str
    problem: Problem

    @property
    def id(self) -> str:
        """Return the issue's id."""
        return f"{self.problem}_{self.subentry_id}"

    def data(self) -> dict[str, str | int | float | None]:
        """Return the values to store with the issue."""
        return {
            "entry_id": self.entry_id,
            "subentry_id": self.subentry_id,
            "problem": self.problem.value,
        }


@callback
def async_open(
    hass: HomeAssistant, entry: ConfigEntry, issue_id: str, **issue: Any
) -> None:
    """Open or update an issue of an entry."""
    if _NAMES_ENTRY:
        issue["config_entry_id"] = entry.entry_id
    ir.async_create_issue(hass, DOMAIN, issue_id, **issue)


@callback
def async_watch(
    hass: HomeAssistant, entry: FrigateSnapSyncConfigEntry
) -> CALLBACK_TYPE:
    """Keep an entry's issues as its status is, from now on.

    Returns what ends that and takes all of them away.
    """
    coordinator = entry.runtime_data
    teller = _Teller(hass, entry)
    teller.async_update()
    remove_listener = coordinator.async_add_listener(teller.async_update)

    @callback
    def stop() -> None:
        remove_listener()
        teller.async_clear()

    return stop


@callback
def async_delete(hass: HomeAssistant, entry: FrigateSnapSyncConfigEntry) -> None:
    """Take all issues of an entry away."""
    issue_ids = {frigate_issue_id(key, entry.entry_id) for key in FRIGATE_ISSUES}
    for subentry_id in entry.subentries:
        issue_ids |= {
            f"{key}_{subentry_id}" for key in (*Problem, SPACE_LOW, BUDGET_SPENT)
        }
    for issue_id in issue_ids:
        ir.async_delete_issue(hass, DOMAIN, issue_id)


class _Teller:
    """Opens and closes the issues of one entry."""

    def __init__(self, hass: HomeAssistant, entry: FrigateSnapSyncConfigEntry) -> None:
        self._hass = hass
        self._entry = entry
        self._open = {frigate_issue_id(key, entry.entry_id) for key in AT_START}
        self._login = (False, 0)
        self._in_the_way: set[str] = set()
        """The reconfigure flows that were open at the last refusal."""

    @callback
    def async_update(self) -> None:
        """Bring everything in line with the newest status."""
        status = self._entry.runtime_data.data
        wanted = {
            *self._async_open_of_frigate(status),
            *self._async_open_of_destinations(status),
            *self._async_open_of_space(status),
            *self._async_open_of_budgets(status),
        }
        for issue_id in self._open - wanted:
            ir.async_delete_issue(self._hass, DOMAIN, issue_id)
        self._open = wanted
        login = (status.frigate_login_refused, status.frigate_login_refusals)
        is_news, self._login = login != self._login, login
        if status.frigate_login_refused:
            self._async_ask_for_login(is_news=is_news)
        elif is_news:
            self._async_abort(SOURCE_REAUTH)

    @callback
    def async_clear(self) -> None:
        """Take all issues away."""
        for issue_id in self._open:
            ir.async_delete_issue(self._hass, DOMAIN, issue_id)
        self._open = set()

    def _async_open_of_frigate(self, status: EngineStatus) -> set[str]:
        """Open or update the issues of the Frigate; return their ids."""
        wanted = set()
        entry_id = self._entry.entry_id
        for key, issue in FRIGATE_ISSUES.items():
            if not issue.applies(status):
                continue
            issue_id = frigate_issue_id(key, entry_id)
            values = {"frigate": self._entry.title, **issue.values(self._hass, status)}
            self._async_open(
                issue_id,
                data={"entry_id": entry_id, "problem": key},
                is_fixable=issue.is_fixable,
                severity=issue.severity,
                learn_more_url=manual(issue.page),
                translation_key=key,
                translation_placeholders={
                    name: escape(value) for name, value in values.items()
                },
            )
            wanted.add(issue_id)
        return wanted

    def _async_open_of_space(self, status: EngineStatus) -> set[str]:
        """Open or update the issues of destinations that will be full; return ids."""
        wanted = set()
        for subentry_id, subentry in self._entry.subentries.items():
            destination = status.destinations.get(subentry_id)
            if (
                destination is None
                or destination.free_space is None
                or destination.space_needed is None
                or destination.problem is Problem.NO_SPACE  # It says so itself.
            ):
                continue
            issue_id = f"{SPACE_LOW}_{subentry_id}"
            self._async_open(
                issue_id,
                is_fixable=False,
                severity=_WARNING,
                learn_more_url=manual(PAGES[SPACE_LOW]),
                translation_key=SPACE_LOW,
                translation_placeholders={
                    "destination": subentry.title,
                    "name": escape(subentry.title),
                    # Or what is free might look like what is needed.
                    "free": f"{floor(destination.free_space / _TENTH) / 10:.1f}",
                    "needed": f"{ceil(destination.space_needed / _TENTH) / 10:.1f}",
                },
            )
            wanted.add(issue_id)
        return wanted

    def _async_open_of_budgets(self, status: EngineStatus) -> set[str]:
        """Open or update the issues of budgets that hold something back; return ids."""
        wanted = set()
        for subentry_id, subentry in self._entry.subentries.items():
            destination = status.destinations.get(subentry_id)
            budget = None if destination is None else destination.budget
            if budget is None or not budget.holds_back:
                continue
            issue_id = f"{BUDGET_SPENT}_{subentry_id}"
            self._async_open(
                issue_id,
                is_fixable=False,
                severity=_ERROR if budget.is_spent else _WARNING,
                learn_more_url=manual(PAGES[BUDGET_SPENT]),
                translation_key=BUDGET_SPENT,
                translation_placeholders={
                    "destination": subentry.title,
                    "name": escape(subentry.title),
                    # Cut, not rounded: 79.99 % are not 80 %.
                    "percent": f"{int(budget.percent)}",
                    "used": f"{budget.used / _GIBIBYTE:.1f}",
                    # As it was typed: it may be half of one.
                    "budget": f"{round(budget.budget / _GIBIBYTE, 3):.10g}",
                    "month": budget.month,
                },
            )
            wanted.add(issue_id)
        return wanted

    def _async_open_of_destinations(self, status: EngineStatus) -> set[str]:
        """Open or update the issues of all destinations; return their ids."""
        wanted = set()
        for subentry_id, subentry in self._entry.subentries.items():
            destination = status.destinations.get(subentry_id)
            if destination is None or destination.problem is None:
                continue
            issue = DestinationIssue(
                entry_id=self._entry.entry_id,
                subentry_id=subentry_id,
                problem=destination.problem,
            )
            self._async_open(
                issue.id,
                data=issue.data(),
                is_fixable=True,
                severity=_ERROR,
                learn_more_url=manual(PAGES[issue.problem]),
                translation_key=issue.problem.value,
                translation_placeholders={
                    "destination": subentry.title,
                    "reason": one_line(self._why(destination.cause)),
                },
            )
            wanted.add(issue.id)
        return wanted

    def _async_open(self, issue_id: str, **issue: Any) -> None:
        async_open(self._hass, self._entry, issue_id, **issue)

    def _why(self, cause: Cause | None) -> str:
        return "" if cause is None else async_why(self._hass, cause)

    @callback
    def _async_ask_for_login(self, *, is_news: bool) -> None:
        """Ask for Frigate's login, unless that is being done.

        Home Assistant asks for none while the entry is being reconfigured. Such a
        flow that is still there at the next refusal, a quarter of an hour later,
        was abandoned: nothing else ever ends it.
        """
        entry, hass = self._entry, self._hass
        if is_news:
            flows = entry.async_get_active_flows(hass, {SOURCE_RECONFIGURE})
            open_flows = {flow["flow_id"] for flow in flows}
            for flow_id in open_flows & self._in_the_way:
                hass.config_entries.flow.async_abort(flow_id)
            self._in_the_way = open_flows
        entry.async_start_reauth(hass)

    @callback
    def _async_abort(self, source: str) -> None:
        """End the entry's flows of a kind."""
        for flow in list(self._entry.async_get_active_flows(self._hass, {source})):
            self._hass.config_entries.flow.async_abort(flow["flow_id"])
