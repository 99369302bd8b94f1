"""Options and config subentries of an entry, as the engine wants them."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any, NoReturn, override

from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.core import HomeAssistant

from .const import (
    CONF_AT_RISK_AFTER,
    CONF_CAMERAS,
    CONF_DELAY_AFTER_STARTUP,
    CONF_LABELS,
    CONF_LIVE_FOOTAGE,
    CONF_LIVE_TAPS,
    CONF_LOOK_BACK,
    CONF_MEDIA,
    CONF_PADDING_AFTER,
    CONF_PADDING_BEFORE,
    CONF_PART_LENGTH,
    CONF_PATH_TEMPLATE,
    CONF_RETENTION_DAYS,
    CONF_RETENTION_SIZE,
    CONF_SEVERITY,
    CONF_SPOOL_LIMIT,
    CONF_TEMPORARY_FORM,
    CONF_UPLOAD_DURING_REVIEW,
    CONF_VOLUME_BUDGET,
    CONF_ZONES,
    DEFAULT_AT_RISK_AFTER,
    DEFAULT_DELAY_AFTER_STARTUP,
    DEFAULT_LIVE_FOOTAGE,
    DEFAULT_LIVE_TAPS,
    DEFAULT_LOOK_BACK,
    DEFAULT_PADDING,
    DEFAULT_PART_LENGTH,
    DEFAULT_SPOOL_LIMIT,
    DEFAULT_UPLOAD_DURING_REVIEW,
    LOGGER,
    MEDIUM_LIVE_FOOTAGE,
    SECONDS_PER_HOUR,
    SECONDS_PER_MINUTE,
    SECTION_SELECTION,
    SECTION_STORING,
    SELECTION_FIELDS,
    SEVERITY_ALERT,
    SEVERITY_ALL,
)
from .devices import known_cameras
from .frigate.models import Severity
from .kinds import KINDS, build_destination
from .only_while import OnlyWhile
from .path_template import PathTemplate, async_layout
from .storage.base import Destination, Source, StoredFile
from .storage.errors import Unusable
from .storage.layout import Layout
from .storage.names import TemporaryForm
from .sync.engine import DestinationSetup, EngineOptions
from .sync.model.engine_options import LiveFootage
from .sync.model.item import Media
from .sync.model.naming import NameValues, Render
from .sync.model.selection import Selection
from .sync.sending.unfinished import left_unfinished

_BYTES_PER_MEBIBYTE = 1024 * 1024
_BYTES_PER_GIBIBYTE = 1024 * _BYTES_PER_MEBIBYTE

_LARGEST = 1e9
"""Of any option, in its own unit: what is larger, or no number, was not typed."""

_SEVERITIES: dict[str, Severity | None] = {
    SEVERITY_ALL: None,
    SEVERITY_ALERT: Severity.ALERT,
}


def engine_options(
    options: Mapping[str, Any], *, follows_topic_prefix: bool = True
) -> EngineOptions:
    """Return an entry's options in the engine's units; one not set has its default.

    `follows_topic_prefix` is false where the owner chose the prefix.
    """
    stored = _StoredOptions(options)
    return EngineOptions(
        delay_after_startup=stored.number(
            CONF_DELAY_AFTER_STARTUP, DEFAULT_DELAY_AFTER_STARTUP
        ),
        upload_during_review=stored.read(
            CONF_UPLOAD_DURING_REVIEW, DEFAULT_UPLOAD_DURING_REVIEW, _switch
        ),
        part_length=stored.whole(CONF_PART_LENGTH, DEFAULT_PART_LENGTH),
        padding_before=stored.number(CONF_PADDING_BEFORE, DEFAULT_PADDING),
        padding_after=stored.number(CONF_PADDING_AFTER, DEFAULT_PADDING),
        look_back=stored.number(CONF_LOOK_BACK, DEFAULT_LOOK_BACK) * SECONDS_PER_HOUR,
        spool_limit=(
            stored.whole(CONF_SPOOL_LIMIT, DEFAULT_SPOOL_LIMIT) * _BYTES_PER_MEBIBYTE
        ),
        at_risk_after=(
            stored.number(CONF_AT_RISK_AFTER, DEFAULT_AT_RISK_AFTER)
            * SECONDS_PER_MINUTE
        ),
        live_footage=stored.read(CONF_LIVE_FOOTAGE, DEFAULT_LIVE_FOOTAGE, LiveFootage),
        live_taps=stored.whole(CONF_LIVE_TAPS, DEFAULT_LIVE_TAPS),
        follows_topic_prefix=follows_topic_prefix,
    )


class _StoredOptions:
    """Reads options; one that can't be read has its default, and is logged.

    A newer version may have stored it. It must not keep all that can be read from
    working.
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options = options

    def read[T](self, key: str, default: object, read: Callable[[Any], T]) -> T:
        """Return an option; `read` raises TypeError or ValueError for what is none."""
        if key in self._options:
            try:
                return read(self._options[key])
            except (TypeError, ValueError) as err:
                LOGGER.error(
                    "The stored option %s can't be read (%s); its default is used: %s."
                    " Open the options and submit them to store it again",
                    key,
                    err,
                    default,
                )
        return read(default)

    def number(self, key: str, default: float) -> float:
        """Return a number that is not negative."""
        return self.read(key, default, _number)

    def whole(self, key: str, default: int) -> int:
        """Return a number of things, of which there is at least one."""
        return self.read(key, default, _whole)


def _switch(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{value!r} is neither on nor off")
    return value


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{value!r} is no number")
    if not 0 <= value <= _LARGEST:
        raise ValueError(f"{value!r} is no possible number")
    return value


def _whole(value: object) -> int:
    if (number := int(_number(value))) < 1:
        raise ValueError(f"{value!r} is less than one")
    return number


class UnusableDestination(Destination):
    """Stands for a destination whose settings can't be read.

    It refuses everything, so its queue waits, and its error says why.
    """

    @override
    async def connect(self) -> None:
        self._refuse()

    @override
    async def close(self) -> None:
        """Have nothing to release."""

    @override
    async def put(self, path: str, source: Source, *, temporary: str) -> StoredFile:
        self._refuse()

    @override
    async def stat(self, path: str) -> StoredFile | None:
        self._refuse()

    @override
    async def delete(self, path: str) -> None:
        self._refuse()

    @override
    def list_files(self, path: str = "") -> NoReturn:
        self._refuse()

    @override
    def open_read(
        self, path: str, *, start: int = 0, length: int | None = None
    ) -> NoReturn:
        self._refuse()

    @override
    async def free_space(self) -> int | None:
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise Unusable(
            "The stored settings of this destination can't be read;"
            " reconfigure it, or remove it and add it again"
        )


async def async_discard_unfinished(
    hass: HomeAssistant, entry: ConfigEntry, ledger_path: Path
) -> None:
    """Let what a removed entry has left unfinished at its destinations be removed.

    Its ledger may be deleted then: the rest is done in the background.
    """
    if not await hass.async_add_executor_job(ledger_path.is_file):
        return
    left = await left_unfinished(ledger_path, tuple(entry.subentries))
    for id_, unfinished in left.items():
        subentry = entry.subentries[id_]
        setup = destination_setup(hass, subentry, entry_id=entry.entry_id)
        hass.async_create_background_task(
            unfinished.discard(setup.destination),
            f"Removing what is unfinished at {subentry.title}",
        )


def destination_setup(
    hass: HomeAssistant, subentry: ConfigSubentry, *, entry_id: str = ""
) -> DestinationSetup:
    """Return what the engine needs to know of a destination. Never raises.

    What can't be read, since a newer version stored it, say, makes the destination
    wait: nothing is sent, for a camera that was left out must not leave the house by
    mistake, and nothing that waits for it is given up. A selection that can be read
    still counts. `entry_id` is that of its Frigate, whose cameras the names of a test
    may use.
    """
    data, title = subentry.data, subentry.title
    selection, template, place, probe = None, None, None, None
    destination: Destination = UnusableDestination()
    budget = days = size = 0
    try:
        budget = _gibibytes(data[SECTION_STORING].get(CONF_VOLUME_BUDGET, 0))
        OnlyWhile.of(data)  # One that can't be read is no limit that is kept.
        selection = _selection(data[SECTION_SELECTION], title)
        template = _template(hass, data[SECTION_STORING])
        destination = build_destination(hass, subentry.subentry_type, data)
        kind = KINDS[subentry.subentry_type]
        place, probe = kind.place_in(data), kind.probe_in(data, entry_id=entry_id)
        days = int(data[SECTION_STORING].get(CONF_RETENTION_DAYS, 0))
        size = _gibibytes(data[SECTION_STORING].get(CONF_RETENTION_SIZE, 0))
    except Exception as err:  # noqa: BLE001 - whatever is stored, the others work
        LOGGER.error(
            "The settings of the destination %s can't be read (%s: %s);"
            " what it shall get waits",
            title,
            type(err).__name__,
            err,
        )
    return DestinationSetup(
        id=subentry.subentry_id,
        name=title,
        selection=selection,
        destination=destination,
        render=None if template is None else _render(template),
        volume_budget=budget,
        retention_days=days,
        retention_size=size,
        place=place,
        probe=probe,
        temporary_form=(
            TemporaryForm.PLAIN
            if data.get(CONF_TEMPORARY_FORM) == TemporaryForm.PLAIN
            else TemporaryForm.HIDDEN
        ),
        layout=partial(_layout, hass, template, selection, entry_id),
    )


def _gibibytes(number: float) -> int:
    """Return the bytes; of a limit there is at least one, for 0 would be none."""
    return max(1, round(number * _BYTES_PER_GIBIBYTE)) if number > 0 else 0


def _selection(section: Mapping[str, Any], title: str) -> Selection:
    """Return what a destination wants; raises KeyError, TypeError or ValueError.

    A medium that a newer version knows is left out. Any other limit that isn't
    known here can't be kept, so that nothing may be sent.
    """
    if limits := {key for key, value in section.items() if value} - SELECTION_FIELDS:
        raise ValueError(f"unknown limits: {', '.join(sorted(limits))}")
    stored = _names(section, CONF_MEDIA)
    known = {*Media, MEDIUM_LIVE_FOOTAGE}
    media = frozenset(Media) & stored
    if not stored & known:
        raise ValueError("no known media")
    if unknown := stored - known:
        LOGGER.warning(
            "Unknown media are not sent to the destination %s: %s",
            title,
            ", ".join(sorted(unknown)),
        )
    return Selection(
        media=frozenset(Media(each) for each in media),
        cameras=_names(section, CONF_CAMERAS),
        labels=_names(section, CONF_LABELS),
        zones=_names(section, CONF_ZONES),
        severity=_SEVERITIES[section[CONF_SEVERITY]],
        live_footage=MEDIUM_LIVE_FOOTAGE in stored,
    )


def _names(section: Mapping[str, Any], key: str) -> frozenset[str]:
    names = section[key]
    if not isinstance(names, list) or not all(isinstance(each, str) for each in names):
        raise TypeError(f"{key} is no list of names")
    return frozenset(names)


def _template(hass: HomeAssistant, section: Mapping[str, Any]) -> PathTemplate | None:
    text = section[CONF_PATH_TEMPLATE]
    if not isinstance(text, str):
        raise TypeError(f"{CONF_PATH_TEMPLATE} is no text")
    return PathTemplate(hass, text) if text else None


def _layout(
    hass: HomeAssistant,
    template: PathTemplate | None,
    selection: Selection | None,
    entry_id: str,
) -> Layout:
    chosen = selection.cameras if selection is not None else ()
    cameras = sorted(chosen) or known_cameras(hass, entry_id)
    return async_layout(template, cameras)


def _render(template: PathTemplate) -> Render:
    def render(values: NameValues) -> str:
        return template.async_render(
            {field.name: getattr(values, field.name) for field in fields(values)}
        )

    return render
