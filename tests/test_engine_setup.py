"""Config subentries as the engine wants them."""

from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from custom_components.frigate_snap_sync.engine_setup import (
    UnusableDestination,
    destination_setup,
    engine_options,
)
from custom_components.frigate_snap_sync.frigate.models import Severity
from custom_components.frigate_snap_sync.kinds import is_allowed_folder
from custom_components.frigate_snap_sync.path_template import samples
from custom_components.frigate_snap_sync.storage.base import Destination
from custom_components.frigate_snap_sync.storage.errors import Unusable
from custom_components.frigate_snap_sync.storage.local.destination import (
    LocalDestination,
)
from custom_components.frigate_snap_sync.storage.sftp.destination import SftpDestination
from custom_components.frigate_snap_sync.storage.source import FileSource
from custom_components.frigate_snap_sync.storage.wrappers.film_first import FilmFirst
from custom_components.frigate_snap_sync.storage.wrappers.verified import Verified
from custom_components.frigate_snap_sync.sync.model.engine_options import LiveFootage
from custom_components.frigate_snap_sync.sync.model.item import Media
from custom_components.frigate_snap_sync.sync.model.naming import NameValues
from homeassistant.config_entries import ConfigEntryState, ConfigSubentry
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util

from .component import (
    SELECTION,
    StandInEngine,
    async_set_up,
    frigate_entry,
    local_data,
    sftp_data,
    sftp_subentry,
)


def subentry(kind: str, data: dict[str, Any]) -> ConfigSubentry:
    """Return a destination as Home Assistant keeps it."""
    return ConfigSubentry(
        data=MappingProxyType(data),
        subentry_type=kind,
        title="Garage NAS",
        unique_id=None,
    )


async def test_local(hass: HomeAssistant, folders: Path) -> None:
    """Everything is wanted, under default names; it really writes."""
    stored = subentry("local", local_data(folders / "media"))
    setup = destination_setup(hass, stored)
    assert (setup.id, setup.name) == (stored.subentry_id, "Garage NAS")
    assert setup.selection is not None
    assert setup.selection.media == set(Media)
    assert setup.selection.severity is None
    assert not setup.selection.cameras | setup.selection.labels | setup.selection.zones
    assert setup.render is None
    assert isinstance(setup.destination, LocalDestination)


async def test_sftp_selection_and_template(hass: HomeAssistant) -> None:
    """What the owner chose."""
    selection = {
        "media": ["recordings", "snapshots"],
        "cameras": ["front_door"],
        "severity": "alert",
        "labels": ["person"],
        "zones": ["porch"],
    }
    storing = {"path_template": "{{ camera }}/{{ id }}", "verify_checksum": True}
    data = sftp_data(selection=selection, storing=storing)
    setup = destination_setup(hass, subentry("sftp", data))
    assert isinstance(setup.destination, Verified)
    assert isinstance(setup.destination.inner, FilmFirst)
    assert isinstance(setup.destination.inner.inner, SftpDestination)
    assert setup.selection is not None
    assert setup.selection.media == {Media.RECORDINGS, Media.SNAPSHOTS}
    assert setup.selection.cameras == {"front_door"}
    assert setup.selection.severity is Severity.ALERT
    assert setup.selection.labels == {"person"}
    assert setup.selection.zones == {"porch"}
    assert setup.render is not None
    values = NameValues(**samples(dt_util.now())[0])
    assert setup.render(values) == "front_door/l0g9kw"


async def test_stored_before_there_was_a_checksum(hass: HomeAssistant) -> None:
    """What an older version stored is as it was."""
    data = sftp_data(storing={"path_template": ""})
    setup = destination_setup(hass, subentry("sftp", data))
    assert isinstance(setup.destination, FilmFirst)
    assert isinstance(setup.destination.inner, SftpDestination)


async def test_template_that_fails(hass: HomeAssistant) -> None:
    """The engine takes the default name then: it is promised a ValueError."""
    data = sftp_data(storing={"path_template": "{{ zones[3] }}"})
    setup = destination_setup(hass, subentry("sftp", data))
    assert setup.render is not None
    with pytest.raises(ValueError, match="no element 3"):
        setup.render(NameValues(**samples(dt_util.now())[0]))


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("local", {}),
        ("sftp", {**sftp_data(), "selection": None}),
        ("sftp", {**sftp_data(), "selection": {**SELECTION, "media": ["films"]}}),
        ("sftp", {**sftp_data(), "selection": {**SELECTION, "media": "snapshots"}}),
        ("sftp", {**sftp_data(), "selection": {**SELECTION, "severity": "some"}}),
        ("sftp", {**sftp_data(), "selection": {**SELECTION, "cameras": [1]}}),
        ("sftp", {**sftp_data(), "selection": {"media": ["snapshots"]}}),
        ("sftp", {**sftp_data(), "selection": {**SELECTION, "only_while": "x"}}),
    ],
)
async def test_unreadable(
    hass: HomeAssistant,
    caplog: pytest.LogCaptureFixture,
    kind: str,
    data: dict[str, Any],
) -> None:
    """It takes nothing, says why, and does not pretend to want nothing."""
    setup = destination_setup(hass, subentry(kind, data))
    assert isinstance(setup.destination, UnusableDestination)
    assert setup.selection is None
    assert "The settings of the destination Garage NAS can't be read" in caplog.text


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("sftp", {**sftp_data(), "storing": {"path_template": 5}}),
        ("local", {**local_data("/media"), "path": None}),
        ("sftp", {**sftp_data(), "port": "ssh"}),
        ("sftp", {key: value for key, value in sftp_data().items() if key != "host"}),
        ("carrier_pigeon", local_data("/media")),
    ],
)
async def test_unreadable_but_for_its_selection(
    hass: HomeAssistant, kind: str, data: dict[str, Any]
) -> None:
    """Only what it wants waits for it."""
    data = {**data, "selection": {**SELECTION, "media": ["snapshots"]}}
    setup = destination_setup(hass, subentry(kind, data))
    assert isinstance(setup.destination, UnusableDestination)
    assert setup.selection is not None
    assert setup.selection.media == {Media.SNAPSHOTS}


async def test_live_footage_is_selected_with_the_media(hass: HomeAssistant) -> None:
    """It is no medium of its own, and may be all that a destination takes."""
    for media, live in (
        (["recordings"], False),
        (["recordings", "live_footage"], True),
        (["live_footage"], True),
    ):
        data = sftp_data(selection={**SELECTION, "media": media})
        setup = destination_setup(hass, subentry("sftp", data))
        assert isinstance(setup.destination, FilmFirst)
        assert isinstance(setup.destination.inner, SftpDestination)
        assert setup.selection is not None
        assert setup.selection.live_footage == live
        assert setup.selection.media == {
            Media(each) for each in media[:1] if not live or each == "recordings"
        }


async def test_selection_of_a_newer_version(
    hass: HomeAssistant, caplog: pytest.LogCaptureFixture
) -> None:
    """Media that it can't have are left out; limits that limit nothing don't matter."""
    newer = {"media": ["recordings", "holograms"], "only_while": None}
    data = sftp_data(selection={**SELECTION, **newer})
    setup = destination_setup(hass, subentry("sftp", data))
    assert isinstance(setup.destination, FilmFirst)
    assert isinstance(setup.destination.inner, SftpDestination)
    assert setup.selection is not None
    assert setup.selection.media == {Media.RECORDINGS}
    assert "not sent to the destination Garage NAS: holograms" in caplog.text


@pytest.mark.parametrize(
    "call",
    [
        lambda destination: destination.connect(),
        lambda destination: destination.put(
            "a", FileSource(Path("b"), size=1), temporary="c"
        ),
        lambda destination: destination.stat("a"),
        lambda destination: destination.delete("a"),
        lambda destination: destination.free_space(),
    ],
)
async def test_unusable(call: Callable[[Destination], Any]) -> None:
    """Everything is refused, with the reason."""
    with pytest.raises(Unusable, match="reconfigure it"):
        await call(UnusableDestination())


async def test_unusable_lists_and_reads_nothing() -> None:
    """The same for what yields; closing it is no work."""
    destination = UnusableDestination()
    with pytest.raises(Unusable):
        destination.list_files()
    with pytest.raises(Unusable):
        destination.open_read("a")
    await destination.close()


async def test_allowed_folders(hass: HomeAssistant, folders: Path) -> None:
    """Home Assistant decides; what it shows to the public is never one."""
    public = folders / "config" / "www"
    public.mkdir()
    (folders / "media" / "to-the-public").symlink_to(public)
    hass.config.allowlist_external_dirs |= {str(public)}

    def allowed(path: Path) -> bool:
        return is_allowed_folder(hass, str(path))

    assert allowed(folders / "media")
    assert allowed(folders / "media" / "nas" / "frigate")
    assert not allowed(folders / "config")
    assert not allowed(public)
    assert not allowed(public / "frigate")
    assert not allowed(folders / "media" / "to-the-public" / "frigate")


DEFAULTS = engine_options({})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("live_footage", "motion"),
        ("live_footage", None),
        ("live_footage", ["all"]),
        ("live_taps", "four"),
        ("live_taps", 0),
        ("part_length", None),
        ("part_length", -30),
        ("padding_before", {}),
        ("padding_after", float("nan")),
        ("look_back", float("inf")),
        ("look_back", True),
        ("spool_limit", "unlimited"),
        ("spool_limit", 1e300),
        ("at_risk_after", [15]),
        ("delay_after_startup", "10"),
        ("upload_during_review", "alerts"),
    ],
)
def test_an_option_that_can_not_be_read(
    key: str, value: object, caplog: pytest.LogCaptureFixture
) -> None:
    """It has its default, which the log says; the others have what was chosen."""
    chosen = {"padding_before": 7, "padding_after": 8, key: value}
    found = engine_options(chosen)
    assert getattr(found, key) == getattr(DEFAULTS, key)
    others = {"padding_before": 7, "padding_after": 8}
    others.pop(key, None)
    assert found == engine_options(others)
    assert f"The stored option {key} can't be read" in caplog.text


def test_options_that_can_be_read(caplog: pytest.LogCaptureFixture) -> None:
    """The form stores numbers of either type."""
    found = engine_options(
        {"part_length": 20.0, "live_footage": "all", "look_back": 2, "padding_after": 0}
    )
    assert (found.part_length, found.live_footage) == (20, LiveFootage.ALL)
    assert (found.look_back, found.padding_after) == (7200, 0)
    assert not caplog.text


@pytest.mark.usefixtures("mqtt_client")
@pytest.mark.parametrize("section", ["selection", "storing"])
async def test_an_entry_with_what_can_not_be_read(
    hass: HomeAssistant, engine: StandInEngine, folders: Path, section: str
) -> None:
    """It is set up all the same, with all its entities."""
    entry = frigate_entry(
        options={"live_footage": "motion"},
        subentries=[sftp_subentry(**{section: None})],
    )
    await async_set_up(hass, entry)
    assert entry.state is ConfigEntryState.LOADED
    assert hass.states.get("sensor.frigate_protection") is not None
    assert hass.states.get("sensor.off_site_server_last_error") is not None
