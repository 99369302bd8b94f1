"""What only a person can mend, told as repairs and as a request for a log-in.

All open and close by themselves, as the engine's status goes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from homeassistant.config_entries import SOURCE_REAUTH, SOURCE_RECONFIGURE
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.util.hass_dict import HassKey

from .const import DOMAIN
from .coordinator import FrigateSnapSyncConfigEntry
from .sync.status import EngineStatus, Problem

_ERROR, _WARNING = ir.IssueSeverity.ERROR, ir.IssueSeverity.WARNING

FRIGATE_ISSUES: Final[
    dict[str, tuple[ir.IssueSeverity, Callable[[EngineStatus], bool]]]
] = {
    "frigate_mqtt_disabled": (_ERROR, lambda status: status.frigate_mqtt_disabled),
    "no_mqtt_messages": (_ERROR, lambda status: status.no_mqtt_messages),
    "nothing_uploaded": (_WARNING, lambda status: status.nothing_uploaded),
    "spool_full": (_ERROR, lambda status: status.spool_full),
}
"""What may be wrong with a Frigate, or with what stands around it."""

_TITLES: HassKey[dict[str, dict[str, str]]] = HassKey(f"{DOMAIN}_issues")
"""Of issues that Frigates share: their titles, by issue and by entry id."""


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
    for key in FRIGATE_ISSUES:
        _async_tell_of_frigate(hass, entry, key, False)
    for subentry_id in entry.subentries:
        for problem in Problem:
            issue = DestinationIssue(
                entry_id=entry.entry_id, subentry_id=subentry_id, problem=problem
            )
            ir.async_delete_issue(hass, DOMAIN, issue.id)


class _Teller:
    """Opens and closes the issues of one entry."""

    def __init__(self, hass: HomeAssistant, entry: FrigateSnapSyncConfigEntry) -> None:
        self._hass = hass
        self._entry = entry
        self._open: set[str] = set()
        self._login = (False, 0)
        self._in_the_way: set[str] = set()
        """The reconfigure flows that were open at the last refusal."""

    @callback
    def async_update(self) -> None:
        """Bring everything in line with the newest status."""
        status = self._entry.runtime_data.data
        for key, (_, applies) in FRIGATE_ISSUES.items():
            _async_tell_of_frigate(self._hass, self._entry, key, applies(status))
        wanted = self._async_open_of_destinations(status)
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
        async_delete(self._hass, self._entry)

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
            ir.async_create_issue(
                self._hass,
                DOMAIN,
                issue.id,
                data=issue.data(),
                is_fixable=True,
                severity=_ERROR,
                translation_key=issue.problem.value,
                translation_placeholders={
                    "destination": subentry.title,
                    "reason": destination.reason or "",
                },
            )
            wanted.add(issue.id)
        return wanted

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


@callback
def _async_tell_of_frigate(
    hass: HomeAssistant, entry: FrigateSnapSyncConfigEntry, key: str, applies: bool
) -> None:
    """Open or close an issue, which names all Frigates that have it."""
    titles = hass.data.setdefault(_TITLES, {}).setdefault(key, {})
    if applies:
        titles[entry.entry_id] = entry.title
    elif titles.pop(entry.entry_id, None) is None:
        return
    if not titles:
        ir.async_delete_issue(hass, DOMAIN, key)
        return
    severity, _ = FRIGATE_ISSUES[key]
    ir.async_create_issue(
        hass,
        DOMAIN,
        key,
        is_fixable=False,
        severity=severity,
        translation_key=key,
        translation_placeholders={"frigate": ", ".join(sorted(titles.values()))},
    )
