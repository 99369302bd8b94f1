"""Fields that several forms have."""

from collections.abc import Iterable, Mapping
from math import isnan
from typing import Any, override

import voluptuous as vol

from homeassistant.helpers.selector import (
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
)


class _Number(NumberSelector):
    """A number as it was typed: an int if it is whole, else a float.

    It never cuts a fraction: the flow keeps it, or says that it can't be.
    """

    @override
    def __call__(self, data: Any) -> float:
        number = super().__call__(data)
        if isnan(number):
            raise vol.Invalid("expected a number")
        return int(number) if number.is_integer() else number


def whole_number(lowest: int, highest: int, unit: str | None = None) -> NumberSelector:
    """Return a field for a whole number, of a unit if it has one.

    A fraction is a mistake that the flow names: see `fractions`.
    """
    return _Number(_box(lowest, highest, unit) | NumberSelectorConfig(step=1))


def number(lowest: int, highest: int, unit: str) -> NumberSelector:
    """Return a field for a number that may have a fraction."""
    return _Number(_box(lowest, highest, unit) | NumberSelectorConfig(step="any"))


def fractions(values: Mapping[str, Any], fields: Iterable[str]) -> list[str]:
    """Return those of the fields for whole numbers in which a fraction was typed."""
    return [name for name in fields if isinstance(values.get(name), float)]


def _box(lowest: int, highest: int, unit: str | None) -> NumberSelectorConfig:
    box = NumberSelectorConfig(min=lowest, max=highest, mode=NumberSelectorMode.BOX)
    return box | NumberSelectorConfig(unit_of_measurement=unit) if unit else box
