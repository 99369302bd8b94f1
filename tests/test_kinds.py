"""The two tables of the kinds of destinations."""

from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from custom_components.frigate_snap_sync.engine_setup import destination_setup
from custom_components.frigate_snap_sync.flows.credentials import SELECTORS
from custom_components.frigate_snap_sync.flows.kinds import FLOWS
from custom_components.frigate_snap_sync.kinds import KINDS, build_destination
from custom_components.frigate_snap_sync.storage.wrappers.verified import Verified
from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import HomeAssistant

from .component import SELECTION, STORING, local_data, sftp_data
from .flow_texts import english

DATA: dict[str, dict[str, Any]] = {
    "local": local_data(Path("/media")),
    "s3": {
        "endpoint_url": "https://s3.example",
        "region": "us-east-1",
        "bucket": "evidence",
        "access_key_id": "key",
        "secret_access_key": "secret",
        "verify_ssl": True,
        "path": "",
        "selection": SELECTION,
        "storing": STORING,
    },
    "sftp": sftp_data(),
    "webdav": {
        "url": "https://dav.example",
        "username": "camera",
        "password": "secret",
        "verify_ssl": True,
        "path": "",
        "selection": SELECTION,
        "storing": STORING,
    },
}
"""Stored data of each kind."""


def test_each_kind_has_its_rows() -> None:
    """One in each table, and texts for its forms; each under its own key."""
    assert set(KINDS) == set(FLOWS) == set(english()["config_subentries"])
    assert all(kind.key == key for key, kind in KINDS.items())


def test_whose_files_can_grow(hass: HomeAssistant) -> None:
    """The forms offer live footage by what the destinations themselves say."""
    for key, kind in KINDS.items():
        assert (
            kind.can_append
            == build_destination(hass, key, DATA[key]).capabilities.append
        )


@pytest.mark.parametrize(
    ("kind", "moves", "stays"),
    [
        (
            "local",
            {"path": "/media/other", "mount_point": "/media/other"},
            {"path": "/media/"},
        ),
        (
            "sftp",
            {"host": "10.0.0.9", "port": 2022, "username": "other", "path": "/other"},
            {"password": "new", "private_key": "new", "host_key": "new"},
        ),
        (
            "s3",
            {"endpoint_url": "https://s3.other", "bucket": "other", "path": "other"},
            {"access_key_id": "new", "secret_access_key": "new", "region": "eu"},
        ),
        (
            "webdav",
            {"url": "https://dav.other", "username": "other", "path": "/other"},
            {"password": "new", "verify_ssl": False},
        ),
    ],
)
def test_what_is_another_place(
    hass: HomeAssistant, kind: str, moves: dict[str, Any], stays: dict[str, Any]
) -> None:
    """Where files go, not how the login is proven there."""

    def place(**changes: Any) -> str | None:
        stored = ConfigSubentry(
            data=MappingProxyType(DATA[kind] | changes),
            subentry_type=kind,
            title="NAS",
            unique_id=None,
        )
        return destination_setup(hass, stored).place

    now = place()
    assert now is not None
    others = [place(**{name: value}) for name, value in moves.items()]
    assert None not in others
    assert len({now, *others}) == 1 + len(moves)
    assert {place(**{name: value}) for name, value in stays.items()} == {now}


def test_secrets_of_credentials_are_private() -> None:
    """What a repair asks for, and where and as whom, is in no diagnostics."""
    for kind in KINDS.values():
        if (credentials := kind.credentials) is not None:
            asked = {*credentials.fields({}), credentials.server, credentials.account}
            assert asked.isdisjoint(kind.public)


def test_credentials_can_be_asked_for() -> None:
    """Each field that a kind may name has a selector and texts in the repair."""
    form = english()["issues"]["login_refused"]["fix_flow"]["step"]["credentials"]
    assert set(SELECTORS) == set(form["data"]) == set(form["data_description"])
    for kind in KINDS.values():
        if (credentials := kind.credentials) is not None:
            fields = credentials.fields({})
            assert set(fields) <= set(SELECTORS)
            owners = credentials.belongs_to
            assert {*owners, *owners.values()} <= set(SELECTORS)


def test_the_wrapper_that_the_owner_chose(hass: HomeAssistant) -> None:
    """Set-up, uploads, audits and clean-up all use the wrapped destination."""
    for kind, data in (
        ("local", local_data(Path("/media"))),
        ("sftp", sftp_data()),
    ):
        plain = build_destination(hass, kind, data)
        storing = {**data["storing"], "verify_checksum": True}
        chosen = build_destination(hass, kind, {**data, "storing": storing})
        assert isinstance(chosen, Verified)
        assert type(chosen.inner) is type(plain)
