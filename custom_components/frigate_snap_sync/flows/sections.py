"""The sections of the form that all kinds of destinations share."""

from typing import Any, override

import voluptuous as vol

from homeassistant.const import UnitOfDataRate, UnitOfInformation, UnitOfTime
from homeassistant.helpers.selector import (
    BooleanSelector,
    EntitySelector,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TemplateSelector,
)

from ..const import (
    CONF_APPEND_ONLY,
    CONF_BANDWIDTH_LIMIT,
    CONF_CAMERAS,
    CONF_LABELS,
    CONF_MEDIA,
    CONF_ONLY_WHILE_ENTITY,
    CONF_ONLY_WHILE_STATES,
    CONF_PATH_TEMPLATE,
    CONF_RETENTION_DAYS,
    CONF_RETENTION_SIZE,
    CONF_SEVERITY,
    CONF_VERIFY_CHECKSUM,
    CONF_VOLUME_BUDGET,
    CONF_ZONES,
    MAX_BANDWIDTH_LIMIT,
    MAX_RETENTION_DAYS,
    MAX_RETENTION_SIZE,
    MAX_VOLUME_BUDGET,
    MEDIA,
    MEDIUM_LIVE_FOOTAGE,
    SECTION_SELECTION,
    SECTION_STORING,
    SEVERITY_ALERT,
    SEVERITY_ALL,
)
from ..kinds import KINDS
from .selectors import number, whole_number


class _PathTemplateSelector(TemplateSelector):
    """Shows a template editor, but leaves the judgment to the flow.

    The editor's own check would refuse the whole form without naming an error.
    """

    @override
    def __call__(self, data: Any) -> str:
        if not isinstance(data, str):
            raise vol.Invalid("expected str")
        return data.strip()


class _NamesSelector(SelectSelector):
    """Asks for several names; what is typed freely loses spaces around it."""

    def __init__(self, options: list[str]) -> None:
        """Offer some names."""
        super().__init__(
            SelectSelectorConfig(options=options, multiple=True, custom_value=True)
        )

    @override
    def __call__(self, data: Any) -> list[str]:
        names = (name.strip() for name in super().__call__(data))
        return list(dict.fromkeys(name for name in names if name))


def _selection(kind: str, cameras: list[str], states: list[str]) -> vol.Schema:
    media = [*MEDIA, MEDIUM_LIVE_FOOTAGE]
    # Where no file can grow, film takes a request every two seconds.
    usual = media if KINDS[kind].can_append else MEDIA
    return vol.Schema(
        {
            vol.Optional(CONF_MEDIA, default=list(usual)): SelectSelector(
                SelectSelectorConfig(
                    options=media,
                    multiple=True,
                    mode=SelectSelectorMode.LIST,
                    translation_key="selected_media",
                )
            ),
            vol.Optional(CONF_CAMERAS, default=list): _NamesSelector(cameras),
            vol.Optional(CONF_SEVERITY, default=SEVERITY_ALL): SelectSelector(
                SelectSelectorConfig(
                    options=[SEVERITY_ALL, SEVERITY_ALERT],
                    translation_key=CONF_SEVERITY,
                )
            ),
            vol.Optional(CONF_LABELS, default=list): _NamesSelector([]),
            vol.Optional(CONF_ZONES, default=list): _NamesSelector([]),
            vol.Optional(CONF_ONLY_WHILE_ENTITY): EntitySelector(),
            vol.Optional(CONF_ONLY_WHILE_STATES, default=list): _NamesSelector(states),
        }
    )


_STORING_SCHEMA = vol.Schema(
    {
        vol.Optional(CONF_PATH_TEMPLATE, default=""): _PathTemplateSelector(),
        vol.Optional(CONF_BANDWIDTH_LIMIT, default=0): whole_number(
            0, MAX_BANDWIDTH_LIMIT, UnitOfDataRate.KIBIBYTES_PER_SECOND
        ),
        vol.Optional(CONF_VOLUME_BUDGET, default=0): number(
            0, MAX_VOLUME_BUDGET, UnitOfInformation.GIBIBYTES
        ),
        vol.Optional(CONF_RETENTION_DAYS, default=0): whole_number(
            0, MAX_RETENTION_DAYS, UnitOfTime.DAYS
        ),
        vol.Optional(CONF_RETENTION_SIZE, default=0): number(
            0, MAX_RETENTION_SIZE, UnitOfInformation.GIBIBYTES
        ),
        vol.Optional(CONF_VERIFY_CHECKSUM, default=False): BooleanSelector(),
        vol.Optional(CONF_APPEND_ONLY, default=False): BooleanSelector(),
    }
)


def sections_of(
    kind: str, cameras: list[str], states: list[str]
) -> dict[str, vol.Schema]:
    """Return the sections of a kind's form, which offers cameras and states."""
    return {
        SECTION_SELECTION: _selection(kind, cameras, states),
        SECTION_STORING: _STORING_SCHEMA,
    }
