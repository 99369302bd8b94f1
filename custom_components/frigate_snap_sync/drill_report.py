"""A fire drill as the owner reads it: what the action answers, what the sensor shows."""

from collections.abc import Iterable
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import callback
from homeassistant.util import dt as dt_util
from homeassistant.util.json import JsonObjectType

from .sync.model.status import CameraDrill, DestinationDrill, DrillStatus


@callback
def drill_rows(
    entry: ConfigEntry, drills: Iterable[CameraDrill]
) -> list[JsonObjectType]:
    """Return a row for each camera, with one for each destination in it, for JSON."""
    return [
        {
            "camera": drill.camera,
            "outcome": drill.outcome.value,
            "cause": drill.cause,
            "step": drill.step,
            "bytes": drill.bytes,
            "seconds": dict(drill.seconds),
            "destinations": [
                _destination_row(entry, each) for each in drill.destinations
            ],
        }
        for drill in drills
    ]


@callback
def drill_attributes(entry: ConfigEntry, status: DrillStatus) -> dict[str, Any]:
    """Return what the sensor shows beside its state: of a failure the first one."""
    failure = status.first_failure
    cameras = [drill.camera for drill in status.drills]
    only = cameras[0] if len(cameras) == 1 else None
    return {
        "time": None if status.time is None else dt_util.as_local(status.time),
        "camera": only if failure is None else failure.camera,
        "destination": None
        if failure is None
        else destination_name(entry, failure.destination_id),
        "step": None if failure is None else failure.step,
        "cause": None if failure is None else failure.cause,
        "drills": drill_rows(entry, status.drills),
    }


@callback
def destination_name(entry: ConfigEntry, destination_id: str | None) -> str | None:
    """Return what a destination is called, None if there is none of that id."""
    subentry = entry.subentries.get(destination_id or "")
    return None if subentry is None else subentry.title


def _destination_row(entry: ConfigEntry, drill: DestinationDrill) -> JsonObjectType:
    return {
        "destination": destination_name(entry, drill.destination_id),
        "destination_id": drill.destination_id,
        "outcome": drill.outcome.value,
        "cause": drill.cause,
        "step": drill.step,
        "proof": drill.proof,
        "picture_only": drill.picture_only,
        "seconds": dict(drill.seconds),
    }
