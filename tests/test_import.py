"""The import of the stand-alone program's `config.yaml`."""

from pathlib import Path
from typing import Any

import pytest

from custom_components.frigate_snap_sync.const import DOMAIN
from custom_components.frigate_snap_sync.diagnostics import (
    async_get_config_entry_diagnostics,
)
from custom_components.frigate_snap_sync.flows.original_config import (
    MAX_BYTES,
    ImportedDestination,
    InvalidConfig,
    read_config,
)
from homeassistant.config_entries import SOURCE_USER
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType

from .component import StandInEngine, async_set_up, frigate_entry
from .harness.frigate import FrigateServer
from .harness.sftp_server import PASSWORD, USERNAME, SftpServer
from .test_config_flow import section_values, suggested

FULL = """
mqtt_frigate_topic_prefix: frigate
mqtt_host: broker
mqtt_port: 1883
mqtt_username: someone
mqtt_password: secret
frigate_api_address: http://frigate:5000
frigate_api_proxy: http://proxy:3128
delay_after_startup: 30
upload_destinations:
  - local:/media/nas
  - local:path=/media/other
  - sftp:user@example.org:/folder/?identity=/keys/id
  - sftp:username=user;host=example.net;remote-path=/srv;identity=/keys/two
"""


def sftp(
    host: str, path: str, identity: str = "", *, port: int = 22
) -> ImportedDestination:
    """Return a server as it is read."""
    values = {
        "name": host,
        "host": host,
        "port": port,
        "username": "user",
        "path": path,
    }
    return ImportedDestination(kind="sftp", values=values, identity=identity)


def test_all_of_it() -> None:
    """Both forms of destinations; MQTT's own settings are named."""
    config = read_config(FULL)
    assert (config.url, config.proxy) == ("http://frigate:5000", "http://proxy:3128")
    assert (config.topic_prefix, config.delay_after_startup) == ("frigate", 30)
    assert [each.values["path"] for each in config.destinations[:2]] == [
        "/media/nas",
        "/media/other",
    ]
    assert config.destinations[2:] == (
        sftp("example.org", "/folder/", "/keys/id"),
        sftp("example.net", "/srv", "/keys/two"),
    )
    assert config.left_out == (
        "mqtt_host",
        "mqtt_port",
        "mqtt_username",
        "mqtt_password",
    )


@pytest.mark.parametrize(
    ("text", "host", "path"),
    [
        ("sftp:user@[::1]:/x", "::1", "/x"),
        ("SFTP:user@nas:/x y", "nas", "/x y"),
        ("sftp:host=nas; username=user ;remote-path=/x;", "nas", "/x"),
    ],
)
def test_servers(text: str, host: str, path: str) -> None:
    """Odd ones."""
    config = read_config(
        f"frigate_api_address: http://f\nupload_destinations: ['{text}']"
    )
    assert config.destinations == (sftp(host, path),)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "sftp:username=user;host=1.2.3.4:2222;remote-path=/f",
            sftp("1.2.3.4", "/f", port=2222),
        ),
        (
            "sftp:username=user;host=[::1]:2222;remote-path=/f",
            sftp("::1", "/f", port=2222),
        ),
        ("sftp:username=user;host=::1;remote-path=/f", sftp("::1", "/f")),
        ("sftp:user@nas:2222:/f", sftp("nas", "/f", port=2222)),
        ("sftp:user@[::1]:2222:/f", sftp("::1", "/f", port=2222)),
        (
            "sftp:user@nas:/my%20f?identity=/k/id+x",
            sftp("nas", "/my f", "/k/id+x"),
        ),
        ("sftp:user@nas:/a;b/?identity=/k", sftp("nas", "/a;b/", "/k")),
        (
            "local:/media/a=b",
            ImportedDestination(
                kind="local", values={"name": "/media/a=b", "path": "/media/a=b"}
            ),
        ),
    ],
)
def test_ports_and_odd_signs(text: str, expected: ImportedDestination) -> None:
    """A port belongs to no host name, nor is a sign in a path one of the form."""
    config = read_config(f"{ADDRESS}upload_destinations: ['{text}']")
    assert config.destinations == (expected,)


ADDRESS = "frigate_api_address: http://f\n"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "no_mapping"),
        ("- a", "no_mapping"),
        ("a: [", "invalid_yaml"),
        ("\x00", "invalid_yaml"),
        # As deep as so many nodes may be, and deeper than can be read.
        (f"a: {'[' * 495}{']' * 495}", "invalid_yaml"),
        ("mqtt_host: broker", "key_missing"),
        ("frigate_api_address: ~", "key_missing"),
        ("frigate_api_address: [x]", "wrong_value"),
        (f"{ADDRESS}colour: blue", "unknown_keys"),
        (f"{ADDRESS}delay_after_startup: -1", "wrong_value"),
        (f"{ADDRESS}delay_after_startup: 3601", "wrong_value"),
        (f"{ADDRESS}delay_after_startup: true", "wrong_value"),
        (f"{ADDRESS}delay_after_startup: soon", "wrong_value"),
        (f"{ADDRESS}delay_after_startup: 1:00", "wrong_value"),
        (f"{ADDRESS}delay_after_startup: {'9' * 30}", "wrong_value"),
        (f"{ADDRESS}upload_destinations: local:/x", "wrong_value"),
        (f"{ADDRESS}upload_destinations: {['local:/x'] * 33}", "wrong_value"),
        (f"{ADDRESS}upload_destinations: [5]", "wrong_destination"),
        (f"{ADDRESS}upload_destinations: [{{a: b, c: d}}]", "wrong_destination"),
        (f"{ADDRESS}upload_destinations: [[a]]", "wrong_destination"),
        (f"{ADDRESS}upload_destinations: ['ftp:/x']", "wrong_destination"),
        (f"{ADDRESS}upload_destinations: ['local:x']", "wrong_destination"),
        (f"{ADDRESS}upload_destinations: ['local:pth=/x']", "wrong_destination"),
        (f"{ADDRESS}upload_destinations: ['sftp:user@host']", "wrong_destination"),
        (f"{ADDRESS}upload_destinations: ['sftp:host=h']", "wrong_destination"),
        (f"{ADDRESS}upload_destinations: ['local:']", "wrong_destination"),
        (f"{ADDRESS}upload_destinations: ['sftp:u@h:65536:/x']", "wrong_destination"),
        (f"{ADDRESS}upload_destinations: ['sftp:u@h:0:/x']", "wrong_destination"),
        (f"{ADDRESS}upload_destinations: ['sftp:u@h:2222']", "wrong_destination"),
        (f"{ADDRESS}upload_destinations: ['sftp:u@h:a:/x']", "wrong_destination"),
        (f"{ADDRESS}upload_destinations: ['sftp:host=h;host=i']", "wrong_destination"),
        ("a: &x 1\nb: *x", "no_anchors"),
        ("a: !!python/object:os.system 1", "no_tags"),
        ("a: !include secrets.yaml", "no_tags"),
        ("a: " + "x" * MAX_BYTES, "too_long"),
        ("a: " + "[" * 500 + "]" * 500, "too_long"),
        ("a: [" + "1," * 1000 + "]", "too_long"),
    ],
)
def test_what_can_not_be_read(text: str, code: str) -> None:
    """Each mistake has its name."""
    with pytest.raises(InvalidConfig) as caught:
        read_config(text)
    assert caught.value.code == code


def test_values_that_another_yaml_reads_otherwise() -> None:
    """The program knows no dates, and neither `no` nor a number of another base."""
    config = read_config(
        f"{ADDRESS}mqtt_client_id: 2020-13-45\nmqtt_password: 2026-99-99\n"
        "mqtt_frigate_topic_prefix: no\ndelay_after_startup: 010\n"
        "frigate_api_proxy: null\nupload_destinations: ~\n"
    )
    assert (config.topic_prefix, config.delay_after_startup) == ("no", 10)
    assert not config.proxy
    assert not config.destinations
    assert not read_config(f"{ADDRESS}upload_destinations:\n").destinations


def test_a_blank_behind_the_colon() -> None:
    """It makes a mapping in YAML, and is what was meant."""
    config = read_config(
        f"{ADDRESS}upload_destinations:\n"
        "  - local: /media/nas\n"
        "  - sftp: username=user;host=nas;remote-path=/x\n"
        "  - sftp: user@nas:/x\n"
    )
    assert [each.values["path"] for each in config.destinations[:1]] == ["/media/nas"]
    assert config.destinations[1:] == (sftp("nas", "/x"),) * 2


@pytest.mark.parametrize(
    "text",
    [
        "{sftp: [u, secret]}",
        "{sftp: {password: secret}}",
        "{a: secret, b: c}",
        "[secret]",
    ],
)
def test_what_is_no_text_is_not_shown(text: str) -> None:
    """A password may stand anywhere in it."""
    with pytest.raises(InvalidConfig) as caught:
        read_config(f"{ADDRESS}upload_destinations: [{text}]")
    assert caught.value.code == "wrong_destination"
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("blank", ["", " "])
@pytest.mark.parametrize(
    "text",
    [
        "sftp:user:secret@host:/x",
        "sftp:user:secret@host",
        "sftp:user%3Asecret@host:/x",
        "sftp:user:se;secret@host:/x",
        "sftp:username=user:secret;host=h;remote-path=/x",
        "sftp:username=user;host=h;remote-path=/x;password=secret",
        "sftp:password=secret",
        "sftp:pass:word=secret;host=h",
        "ftp://user:secret@host/x",
        "user:secret@host:/x",
        "sftp:user@host:x?identity=secret",
        "sftp:user@host:/x;password=secret",
        "sftp:user:a@b;secret@host:/x",
    ],
)
def test_passwords_are_neither_kept_nor_shown(text: str, blank: str) -> None:
    """The program had none: what looks like one is a mistake that is named."""
    typed = text.replace(":", ": ", 1) if blank else f"'{text}'"
    with pytest.raises(InvalidConfig) as caught:
        read_config(f"{ADDRESS}upload_destinations:\n  - {typed}\n")
    assert caught.value.code == "wrong_destination"
    assert caught.value.detail.startswith(text.partition(":")[0])
    assert "secret" not in caught.value.detail


@pytest.mark.usefixtures("mqtt_client")
async def test_what_was_imported_stays_to_be_suggested(
    hass: HomeAssistant, engine: StandInEngine, frigate_server: FrigateServer
) -> None:
    """Also after the entry was reconfigured or logged in again; it is private."""
    imported = [{"kind": "sftp", **sftp("nas.example", "/private").values}]
    entry = frigate_entry(frigate_server.url, data={"imported_destinations": imported})
    await async_set_up(hass, entry)
    form = await entry.start_reconfigure_flow(hass)
    done = await hass.config_entries.flow.async_configure(
        form["flow_id"], {"url": frigate_server.url, "verify_ssl": True}
    )
    assert done["reason"] == "reconfigure_successful"
    await hass.async_block_till_done()
    assert entry.data["imported_destinations"] == imported
    form = await entry.start_reauth_flow(hass)
    done = await hass.config_entries.flow.async_configure(form["flow_id"], {})
    assert done["reason"] == "reauth_successful"
    await hass.async_block_till_done()
    assert entry.data["imported_destinations"] == imported
    shown = await async_get_config_entry_diagnostics(hass, entry)
    assert shown["entry"]["data"]["imported_destinations"] == [{"kind": "sftp"}]
    for private in ("nas.example", "/private", "'user'"):
        assert private not in str(shown)


@pytest.mark.usefixtures("mqtt_client")
async def test_the_flow(
    hass: HomeAssistant,
    engine: StandInEngine,
    frigate_server: FrigateServer,
    folders: Path,
) -> None:
    """The forms are filled in one after the other; nothing untested is stored."""
    configure = hass.config_entries.flow.async_configure
    result: Any = await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_USER}
    )
    flow_id = result["flow_id"]
    result = await configure(
        flow_id,
        {"url": "-", "verify_ssl": True, "advanced": {"import_config": True}},
    )
    assert result["step_id"] == "import_config"
    result = await configure(flow_id, {"original_config": "a: ["})
    assert result["errors"] == {"original_config": "invalid_yaml"}
    nas, other = folders / "media" / "nas", folders / "media" / "other"
    for folder in (nas, other):
        folder.mkdir(exist_ok=True)
    text = FULL.replace("/media/nas", str(nas)).replace("/media/other", str(other))
    text = text.replace("http://frigate:5000", frigate_server.url)
    text = text.replace("http://proxy:3128", "''")
    result = await configure(flow_id, {"original_config": text})
    assert result["step_id"] == "import_summary"
    assert "secret" not in str(result["description_placeholders"])
    result = await configure(flow_id, {})
    assert result["step_id"] == "user"
    assert suggested(result)["url"] == frigate_server.url
    assert section_values(result, "advanced")["topic_prefix"] == "frigate"
    result = await configure(flow_id, {"verify_ssl": True, "url": frigate_server.url})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    entry = result["result"]
    assert entry.options == {"delay_after_startup": 30}
    assert "secret" not in str(entry.data)
    assert not entry.subentries
    _, subflow_id = result["next_flow"]
    subentries = hass.config_entries.subentries
    shown: Any = await subentries.async_configure(subflow_id)
    for folder in (nas, other):
        values = suggested(shown)
        assert values["path"] == str(folder)
        done = await subentries.async_configure(
            shown["flow_id"], {"name": values["name"], "path": values["path"]}
        )
        if done.get("step_id") == "disk":
            done = await subentries.async_configure(shown["flow_id"], {})
        assert done["type"] is FlowResultType.CREATE_ENTRY
        shown = await subentries.async_init(
            (entry.entry_id, "local"), context={"source": SOURCE_USER}
        )
    assert "path" not in suggested(shown)
    shown = await subentries.async_init(
        (entry.entry_id, "sftp"), context={"source": SOURCE_USER}
    )
    assert suggested(shown)["host"] == "example.org"


@pytest.mark.usefixtures("mqtt_client")
async def test_the_next_one_is_suggested_whatever_became_of_the_first(
    hass: HomeAssistant, engine: StandInEngine, folders: Path
) -> None:
    """Home Assistant may have another path for the folder of a container."""
    imported = [
        {"kind": "local", "name": path, "path": path}
        for path in ("/data/one", "/data/two")
    ]
    entry = frigate_entry(data={"imported_destinations": imported})
    await async_set_up(hass, entry)
    coordinator = entry.runtime_data
    subentries = hass.config_entries.subentries
    (folders / "media" / "one").mkdir()
    for suggestion, path in (("/data/one", "one"), ("/data/two", None)):
        shown: Any = await subentries.async_init(
            (entry.entry_id, "local"), context={"source": SOURCE_USER}
        )
        assert suggested(shown)["path"] == suggestion
        if path is None:
            break
        refused = await subentries.async_configure(
            shown["flow_id"], {"name": "one", "path": suggestion}
        )
        assert refused["errors"]
        done = await subentries.async_configure(
            shown["flow_id"],
            {"name": "one", "path": str(folders / "media" / path)},
        )
        if done.get("step_id") == "disk":
            done = await subentries.async_configure(shown["flow_id"], {})
        assert done["type"] is FlowResultType.CREATE_ENTRY
        await hass.async_block_till_done()
    assert entry.runtime_data is coordinator, "nothing was set up again"


@pytest.mark.usefixtures("mqtt_client", "engine", "folders", "socket_enabled")
async def test_two_logins_of_one_server(hass: HomeAssistant, tmp_path: Path) -> None:
    """One is set up to its end, with its host key; the other is another place."""
    async with SftpServer(tmp_path / "server") as server:
        imported = [
            {
                "kind": "sftp",
                "name": name,
                "host": "127.0.0.1",
                "port": server.port,
                "username": name,
                "path": "/upload",
            }
            for name in (USERNAME, "another")
        ]
        entry = frigate_entry(data={"imported_destinations": imported})
        await async_set_up(hass, entry)
        subentries = hass.config_entries.subentries
        shown: Any = await subentries.async_init(
            (entry.entry_id, "sftp"), context={"source": SOURCE_USER}
        )
        values = suggested(shown)
        assert values["username"] == USERNAME
        typed = {key: values[key] for key in ("name", "host", "port", "username")}
        shown = await subentries.async_configure(
            shown["flow_id"], {**typed, "path": values["path"], "password": PASSWORD}
        )
        assert shown["step_id"] == "host_key"
        assert server.behavior.log_ins == 0
        done = await subentries.async_configure(shown["flow_id"], {})
        assert done["type"] is FlowResultType.CREATE_ENTRY
        await hass.async_block_till_done()
        (subentry,) = entry.subentries.values()
        assert subentry.data["host_key"] == server.host_key
        assert subentry.data["username"] == USERNAME
        shown = await subentries.async_init(
            (entry.entry_id, "sftp"), context={"source": SOURCE_USER}
        )
        assert suggested(shown)["username"] == "another"
