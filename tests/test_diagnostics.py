"""Diagnostics tell much, but nothing that is secret."""

from dataclasses import replace
import json

import pytest
from pytest_homeassistant_custom_component.components.diagnostics import (
    get_diagnostics_for_config_entry,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator
from syrupy.assertion import SnapshotAssertion

from custom_components.frigate_snap_sync.sync.status import Problem
from homeassistant.core import HomeAssistant

from .component import (
    DESTINATION,
    LOCAL_ID,
    SECRETS,
    SFTP_ID,
    STATUS,
    StandInEngine,
    async_set_up,
    frigate_entry,
    local_subentry,
    sftp_subentry,
)

PRIVATE = {
    **SECRETS,
    "frigate": "frigate.example.org",
    "frigate user": "frigate-viewer",
    "server": "192.0.2.7",
    "server user": "camera-uploads",
    "folder": "/srv/evidence",
    "local folder": "/media/nas",
    "host key": "AAAAC3NzaC1lZDI1NTE5AAAAIHost",
}


@pytest.mark.usefixtures("mqtt_client")
async def test_diagnostics(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    engine: StandInEngine,
    snapshot: SnapshotAssertion,
) -> None:
    """Settings without secrets, the status, repairs, and what the engine knows."""
    entry = frigate_entry(
        f"https://{PRIVATE['frigate']}:8971/nvr",
        data={
            "username": PRIVATE["frigate user"],
            "password": SECRETS["password"],
            "proxy": SECRETS["proxy"],
        },
        options={"padding_before": 7},
        subentries=[local_subentry("/media/nas"), sftp_subentry()],
    )
    failed = replace(
        DESTINATION,
        last_error="camera-uploads@192.0.2.7:/srv/evidence/2026-11-22: refused",
        problem=Problem.NOT_WRITABLE,
    )
    engine.first_status = replace(
        STATUS, destinations={LOCAL_ID: DESTINATION, SFTP_ID: failed}
    )
    await async_set_up(hass, entry)

    diagnostics = await get_diagnostics_for_config_entry(hass, hass_client, entry)

    assert diagnostics == snapshot
    told = json.dumps(diagnostics)
    assert not [name for name, text in PRIVATE.items() if text in told]
    assert "8971" in told
    assert "refused" in told
