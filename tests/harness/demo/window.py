"""What the demo's Home Assistant shows: history, Activity, an automation, a dashboard."""

from collections.abc import Iterable, Mapping
import json
from pathlib import Path
from typing import Any, Final

from ..home_assistant import DOMAIN

DASHBOARD: Final = "evidence-dashboard"
"""The dashboard's place in its address."""
_FILE: Final = "evidence.yaml"
PROTECTION: Final = "sensor.frigate_protection"
"""What Home Assistant, in English, calls the protection of the demo's Frigate."""

CONFIGURATION: Final = f"""\
recorder:
  commit_interval: 1
history:
logbook:
  exclude:
    entity_globs:
      - event.*_upload
automation:
  - alias: "At risk: notify"
    triggers:
      - trigger: {DOMAIN}.protection_changed
        target:
          entity_id: {PROTECTION}
        options:
          to: [at_risk]
    actions:
      - action: persistent_notification.create
        data:
          title: Not protected
          message: "Your recordings are at risk: look at the dashboard."
          notification_id: at_risk
lovelace:
  dashboards:
    {DASHBOARD}:
      mode: yaml
      title: Evidence
      icon: mdi:shield-check
      show_in_sidebar: true
      filename: {_FILE}
"""
"""What is loaded beside the usual."""


def dashboard(
    states: Mapping[tuple[str, str, str], Mapping[str, Any]],
    *,
    frigate: str,
    cameras: Iterable[str],
    destinations: Iterable[str],
) -> dict[str, Any]:
    """Return the dashboard: protection, last pictures, destinations, Activity. Pure.

    `states` are those of our entities by device, platform and key; the names are those
    of the devices.
    """

    def entity(device: str, platform: str, key: str) -> str:
        return str(states[device, platform, key]["entity_id"])

    def row(device: str, platform: str, key: str) -> dict[str, str]:
        state = states[device, platform, key]
        name = str(state["attributes"]["friendly_name"])
        return {
            "entity": str(state["entity_id"]),
            "name": name.removeprefix(device).strip(),
        }

    protection = entity(frigate, "sensor", "protection")
    places = [
        {
            "type": "entities",
            "title": name,
            "entities": [
                row(name, "binary_sensor", "connection"),
                row(name, "sensor", "snapshots_uploaded"),
                row(name, "sensor", "recordings_uploaded"),
                row(name, "sensor", "pending_uploads"),
                row(name, "sensor", "last_error"),
            ],
        }
        for name in destinations
    ]
    pictures = [
        {
            "type": "picture-entity",
            "entity": entity(camera, "image", "last_snapshot"),
            "name": camera,
            "show_state": False,
        }
        for camera in cameras
    ]
    return {
        "title": "Evidence",
        "views": [
            {
                "title": "Evidence",
                "cards": [
                    {"type": "tile", "entity": protection},
                    {"type": "tile", "entity": entity(frigate, "button", "drill")},
                    *places,
                    *pictures,
                    # A card of Activity shows entities alone, not what arrived.
                    {
                        "type": "button",
                        "name": "Activity: what arrived, in words",
                        "icon": "mdi:format-list-bulleted-type",
                        "tap_action": {
                            "action": "navigate",
                            "navigation_path": "/logbook",
                        },
                    },
                    {"type": "logbook", "target": {"entity_id": [protection]}},
                    {
                        "type": "history-graph",
                        "hours_to_show": 1,
                        "entities": [protection],
                    },
                ],
            }
        ],
    }


def write_dashboard(folder: Path, content: Mapping[str, Any]) -> None:
    """Put the dashboard into Home Assistant's config folder: JSON is YAML."""
    (folder / _FILE).write_text(json.dumps(content, indent=2))
