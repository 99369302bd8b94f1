"""Diagnostics tell much, but nothing that is secret."""

from dataclasses import asdict, replace
import json
from typing import Any

import pytest
from pytest_homeassistant_custom_component.components.diagnostics import (
    get_diagnostics_for_config_entry,
    get_diagnostics_for_device,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator
from syrupy.assertion import SnapshotAssertion

from custom_components.frigate_snap_sync.const import DOMAIN
from custom_components.frigate_snap_sync.kinds import KINDS
from custom_components.frigate_snap_sync.sync.model.errors import LedgerError
from custom_components.frigate_snap_sync.sync.model.status import (
    Problem,
    Protection,
    UploadFilter,
)
from homeassistant.config_entries import ConfigSubentryDataWithId
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr

from .component import (
    DESTINATION,
    ENTRY_ID,
    LOCAL_ID,
    SECRETS,
    SFTP_ID,
    STATUS,
    StandInEngine,
    async_set_up,
    frigate_entry,
    local_subentry,
    sftp_data,
    sftp_subentry,
)
from .test_services import ROW

PRIVATE = {
    **SECRETS,
    "frigate": "frigate.example.org",
    "frigate user": "frigate-viewer",
    "server": "192.0.2.7",
    "server user": "camera-uploads",
    "folder": "/srv/evidence",
    "local folder": "/media/nas",
    "host key": "AAAAC3NzaC1lZDI1NTE5AAAAIHost",
    "proxy's user": "proxy-user",
    "proxy's password": "proxy-secret",
    "proxy's host": "192.0.2.9",
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
    assert DESTINATION.last_error is not None
    failed = replace(
        DESTINATION,
        last_error=replace(
            DESTINATION.last_error,
            text="camera-uploads@192.0.2.7:/srv/evidence/2026-11-22: refused",
        ),
        reason="camera-uploads@192.0.2.7:/srv/evidence: refused",
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


@pytest.mark.usefixtures("mqtt_client")
async def test_diagnostics_of_devices(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    engine: StandInEngine,
    device_registry: dr.DeviceRegistry,
) -> None:
    """Of a camera or destination its own part with its uploads; no secrets."""
    entry = frigate_entry(
        f"https://{PRIVATE['frigate']}:8971",
        subentries=[local_subentry("/media/nas"), sftp_subentry()],
    )
    failed = replace(DESTINATION, reason="camera-uploads@192.0.2.7:/srv: refused")
    engine.first_status = replace(
        STATUS, destinations={LOCAL_ID: DESTINATION, SFTP_ID: failed}
    )
    await async_set_up(hass, entry)

    async def get(identifier: str) -> dict[str, Any]:
        device = device_registry.async_get_device_by_identifier(
            (DOMAIN, identifier), ENTRY_ID
        )
        assert device is not None
        found = await get_diagnostics_for_device(hass, hass_client, entry, device)
        assert not [name for name, text in PRIVATE.items() if text in json.dumps(found)]
        assert isinstance(found, dict)
        return found

    camera = await get(f"{ENTRY_ID}_front_door")
    assert camera["camera"] == "front_door"
    assert camera["status"]["recordings_uploaded"] == 3
    destination = await get(SFTP_ID)
    assert destination["destination"]["type"] == "sftp"
    assert destination["status"]["reason"].endswith(": refused")
    for found, wanted in (
        (camera, UploadFilter(camera="front_door", limit=50)),
        (destination, UploadFilter(destination_id=SFTP_ID, limit=50)),
    ):
        assert ("list_uploads", wanted) in engine.calls
        assert len(found["uploads"]) == len(engine.rows)
    whole = await get(ENTRY_ID)
    assert whole == await get_diagnostics_for_config_entry(hass, hass_client, entry)


@pytest.mark.usefixtures("mqtt_client")
async def test_diagnostics_without_a_ledger(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    engine: StandInEngine,
    device_registry: dr.DeviceRegistry,
) -> None:
    """They are wanted most when something fails: they have all that there is."""
    entry = frigate_entry(
        f"https://{PRIVATE['frigate']}:8971", subentries=[local_subentry("/media/nas")]
    )
    await async_set_up(hass, entry)
    device = device_registry.async_get_device_by_identifier(
        (DOMAIN, LOCAL_ID), ENTRY_ID
    )
    assert device is not None
    engine.failure = LedgerError("disk I/O error")
    found: Any = await get_diagnostics_for_device(hass, hass_client, entry, device)
    assert "disk I/O error" in found["uploads"]["error"]
    assert found["destination"]["type"] == "local"
    engine.failure = None

    await hass.config_entries.async_unload(ENTRY_ID)
    for found in (
        await get_diagnostics_for_config_entry(hass, hass_client, entry),
        await get_diagnostics_for_device(hass, hass_client, entry, device),
    ):
        assert found["entry"]["state"] == "not_loaded"
        assert found["entry"]["topic_prefix"] == "frigate"
        assert "status" not in found
        assert not [name for name, text in PRIVATE.items() if text in json.dumps(found)]


@pytest.mark.usefixtures("mqtt_client")
async def test_the_hosts_of_addresses(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    engine: StandInEngine,
    device_registry: dr.DeviceRegistry,
) -> None:
    """Errors name the host alone, with the bucket before it or not."""
    bucket = ConfigSubentryDataWithId(
        data={
            "endpoint_url": "https://minio.home.example:9000",
            "bucket": "evidence-bucket",
        },
        subentry_id=LOCAL_ID,
        subentry_type="s3",
        title="Cloud",
        unique_id=None,
    )
    share = ConfigSubentryDataWithId(
        data={"url": "HTTPS://dav.home.example/films", "username": "cameras"},
        subentry_id=SFTP_ID,
        subentry_type="webdav",
        title="Share",
        unique_id=None,
    )
    imported = {"kind": "s3", "endpoint_url": "http://old.home.example:9000"}
    entry = frigate_entry(
        subentries=[bucket, share], data={"imported_destinations": [imported]}
    )
    assert DESTINATION.last_error is not None
    said = (
        "The host name of minio.home.example:9000 is not known, nor are"
        " evidence-bucket.minio.home.example:9000, old.home.example:9000"
        " and dav.home.example:443"
    )
    failed = replace(
        DESTINATION, reason=said, last_error=replace(DESTINATION.last_error, text=said)
    )
    engine.first_status = replace(
        STATUS, destinations={LOCAL_ID: failed, SFTP_ID: failed}
    )
    engine.rows = [replace(ROW, reason=said)]
    await async_set_up(hass, entry)
    device = device_registry.async_get_device_by_identifier(
        (DOMAIN, LOCAL_ID), ENTRY_ID
    )
    assert device is not None
    for found in (
        await get_diagnostics_for_config_entry(hass, hass_client, entry),
        await get_diagnostics_for_device(hass, hass_client, entry, device),
    ):
        shown = json.dumps(found)
        assert "The host name of **REDACTED**:9000 is not known" in shown
        assert "home.example" not in shown
        assert "evidence-bucket" not in shown


def keys_of(document: object) -> list[str]:
    """Return all keys of a document, at every depth."""
    if isinstance(document, dict):
        return [
            *document,
            *(key for each in document.values() for key in keys_of(each)),
        ]
    if isinstance(document, list):
        return [key for each in document for key in keys_of(each)]
    return []


@pytest.mark.usefixtures("mqtt_client")
@pytest.mark.parametrize("name", ["frigate", "the", "connected", "at_risk"])
async def test_a_user_with_a_word_for_a_name(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    engine: StandInEngine,
    name: str,
) -> None:
    """The keys and words of the diagnostics are not taken apart for it."""
    entry = frigate_entry(subentries=[sftp_subentry(username=name)])
    failed = replace(
        DESTINATION, reason=f"Is the {name}@192.0.2.7 there? Frigate is not"
    )
    engine.first_status = replace(
        STATUS,
        frigate_topic_prefix="frigate",
        protection=Protection.AT_RISK,
        destinations={SFTP_ID: failed},
    )
    await async_set_up(hass, entry)
    diagnostics = await get_diagnostics_for_config_entry(hass, hass_client, entry)
    status = diagnostics["status"]
    assert set(asdict(STATUS)) - set(status) == {"frigate_topic_prefix"}
    assert not [key for key in keys_of(diagnostics) if "REDACTED" in key]
    assert status["protection"] == "at_risk"
    assert diagnostics["entry"]["topic_prefix"] == "frigate"
    assert diagnostics["entry"]["topic_prefix_of_frigate"] == "frigate"
    told = status["destinations"][SFTP_ID]["reason"]
    assert f"{name}@" not in told
    assert told.endswith("**REDACTED**@**REDACTED** there? Frigate is not")


@pytest.mark.usefixtures("mqtt_client")
async def test_what_a_newer_version_has_stored(
    hass: HomeAssistant, hass_client: ClientSessionGenerator, engine: StandInEngine
) -> None:
    """Of what is not known after a downgrade there are the keys alone."""
    secrets = {
        "token": "newer-token",
        "servers": [{"host": "newer.example.org"}],
        "count": 4711,
    }
    sections = {
        "selection": sftp_data()["selection"],
        "storing": {**sftp_data()["storing"], "passphrase_of_files": "newer-words"},
    }
    unknown = ConfigSubentryDataWithId(
        data={**secrets, **sections, "path": "/newer/path"},
        subentry_id=LOCAL_ID,
        subentry_type="carrier_pigeon",
        title="Pigeon",
        unique_id=None,
    )
    entry = frigate_entry(
        data={"client_secret": "newer-secret"},
        options={"padding_before": 7, "webhook": "https://newer.example.org/x"},
        subentries=[unknown, sftp_subentry(**secrets, **sections)],
    )
    failed = replace(DESTINATION, reason="newer.example.org refuses newer-token")
    engine.first_status = replace(
        STATUS, destinations={LOCAL_ID: failed, SFTP_ID: DESTINATION}
    )
    await async_set_up(hass, entry)
    diagnostics = await get_diagnostics_for_config_entry(hass, hass_client, entry)
    shown = json.dumps(diagnostics)
    assert "newer" not in shown
    assert "4711" not in shown
    pigeon = diagnostics["destinations"][LOCAL_ID]["data"]
    assert pigeon == dict.fromkeys(unknown["data"], "**REDACTED**")
    sftp = diagnostics["destinations"][SFTP_ID]["data"]
    assert (sftp["port"], sftp["servers"]) == (22, "**REDACTED**")
    assert sftp["selection"] == sections["selection"]
    assert sftp["storing"]["passphrase_of_files"] == "**REDACTED**"
    assert diagnostics["entry"]["options"] == {
        "padding_before": 7,
        "webhook": "**REDACTED**",
    }


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("local", {"mount_point", "path"}),
        (
            "s3",
            {"access_key_id", "bucket", "endpoint_url", "path", "secret_access_key"},
        ),
        ("sftp", {"host", "host_key", "passphrase", "password", "path"}),
        ("sftp", {"private_key", "public_key", "username"}),
        ("webdav", {"password", "path", "url", "username"}),
    ],
)
def test_private_fields_are_not_public(kind: str, fields: set[str]) -> None:
    """Where it is, and who logs in there with what."""
    assert not fields & KINDS[kind].public
