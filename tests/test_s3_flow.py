"""The flow of a bucket, with rclone as the server and odd ones beside it."""

from collections.abc import AsyncGenerator
import json
from pathlib import Path
from typing import Any

from aiohttp import web
import pytest

from custom_components.frigate_snap_sync.diagnostics import (
    async_get_config_entry_diagnostics,
)
from custom_components.frigate_snap_sync.engine_setup import destination_setup
from custom_components.frigate_snap_sync.storage.source import FileSource
from custom_components.frigate_snap_sync.sync.model.status import Problem
from homeassistant.config_entries import SOURCE_RECONFIGURE, SOURCE_USER, ConfigSubentry
from homeassistant.core import HomeAssistant

from .component import StandInEngine, async_set_up, frigate_entry
from .harness.s3_servers import ACCESS_KEY, SECRET_KEY, RcloneS3
from .storage.test_s3 import Bucket, error_xml
from .test_config_flow import suggested
from .test_repairs import Post, fix, open_issues

__all__ = ["fix"]

pytestmark = pytest.mark.usefixtures(
    "mqtt_client", "engine", "folders", "socket_enabled"
)


@pytest.fixture
async def rclone(tmp_path: Path, socket_enabled: None) -> AsyncGenerator[RcloneS3]:
    """Return a server with one bucket."""
    root = tmp_path / "server" / "buckets"
    (root / "evidence").mkdir(parents=True)
    async with RcloneS3(root) as server:
        yield server


def typed(server: RcloneS3, **changes: Any) -> dict[str, Any]:
    """Return what an owner types."""
    return {
        "name": "Cloud",
        "endpoint_url": f" {server.url}/ ",
        "bucket": "evidence",
        "access_key_id": ACCESS_KEY,
        "secret_access_key": SECRET_KEY,
        "path": "/front door/",
    } | changes


async def start(hass: HomeAssistant, entry_id: str) -> Any:
    """Open the form."""
    return await hass.config_entries.subentries.async_init(
        (entry_id, "s3"), context={"source": SOURCE_USER}
    )


async def submit(hass: HomeAssistant, form: Any, values: dict[str, Any]) -> Any:
    """Fill it in."""
    return await hass.config_entries.subentries.async_configure(form["flow_id"], values)


def only(hass: HomeAssistant, entry_id: str) -> ConfigSubentry:
    """Return the entry's one destination."""
    entry = hass.config_entries.async_get_known_entry(entry_id)
    (subentry,) = entry.subentries.values()
    return subentry


async def add(hass: HomeAssistant, server: RcloneS3) -> Any:
    """Return an entry with the bucket as its destination."""
    entry = frigate_entry()
    await async_set_up(hass, entry)
    result = await submit(hass, await start(hass, entry.entry_id), typed(server))
    assert result["type"] == "create_entry", result["errors"]
    await hass.async_block_till_done()
    return entry


async def test_a_bucket(hass: HomeAssistant, rclone: RcloneS3, tmp_path: Path) -> None:
    """It is tested, left empty, and stored with what was found out; then it works."""
    entry = await add(hass, rclone)
    subentry = only(hass, entry.entry_id)
    data = dict(subentry.data)
    assert data["endpoint_url"] == rclone.url
    assert data["path"] == "front door"
    assert data["region"] == "us-east-1"
    assert (data["addressing"], data["proof"]) == ("path", "etag")
    assert data["can_list"] is True
    assert not [path for path in rclone.root.rglob("*") if path.is_file()]

    again = await submit(hass, await start(hass, entry.entry_id), typed(rclone))
    assert again["reason"] == "already_configured"

    destination = destination_setup(hass, subentry).destination
    assert destination.capabilities.may_be_limited is False
    source = tmp_path / "source"
    source.write_bytes(b"12345")
    await destination.put("a/f.jpg", FileSource(source, size=5), temporary="a/.x.tmp")
    await destination.close()
    assert (rclone.root / "evidence/front door/a/f.jpg").read_bytes() == b"12345"

    shown = await async_get_config_entry_diagnostics(hass, entry)
    text = json.dumps(shown["destinations"], default=str)
    for secret in (ACCESS_KEY, SECRET_KEY, rclone.url, "evidence", "front door"):
        assert secret not in text


@pytest.mark.parametrize(
    ("changes", "field", "error"),
    [
        ({"endpoint_url": "s3.example"}, "endpoint_url", "invalid_url"),
        ({"endpoint_url": "ftp://nas"}, "endpoint_url", "invalid_url"),
        ({"endpoint_url": "http://me:pw@nas"}, "endpoint_url", "invalid_url"),
        ({"endpoint_url": "http://127.0.0.1:1"}, "endpoint_url", "cannot_connect"),
        ({"bucket": "two words"}, "bucket", "invalid_bucket"),
        ({"bucket": "not-there"}, "bucket", "bucket_not_found"),
        ({"region": "eu west"}, "region", "invalid_region"),
        ({"path": "a/../b"}, "path", "invalid_path"),
        ({"path": "p" * 300}, "path", "invalid_path"),
        ({"access_key_id": "ü"}, "access_key_id", "invalid_access_key"),
        ({"access_key_id": "AK\nID"}, "access_key_id", "invalid_access_key"),
        ({"access_key_id": "AK ID"}, "access_key_id", "invalid_access_key"),
        ({"access_key_id": "AKIDNOBODY"}, "access_key_id", "invalid_auth"),
        ({"secret_access_key": "wrong"}, "access_key_id", "invalid_auth"),
        ({"secret_access_key": ""}, "secret_access_key", "secret_missing"),
    ],
)
async def test_mistakes(
    hass: HomeAssistant,
    rclone: RcloneS3,
    changes: dict[str, Any],
    field: str,
    error: str,
) -> None:
    """Each is shown at its field; nothing is stored, and the form can be sent again."""
    entry = frigate_entry()
    await async_set_up(hass, entry)
    form = await start(hass, entry.entry_id)
    result = await submit(hass, form, typed(rclone, **changes))
    assert result["errors"] == {field: error}
    assert not entry.subentries
    result = await submit(hass, result, typed(rclone, path="%2f ü"))
    assert result["type"] == "create_entry"
    assert only(hass, entry.entry_id).data["path"] == "%2f ü"


async def test_the_region_that_the_server_names_is_offered(
    hass: HomeAssistant, rclone: RcloneS3
) -> None:
    """In its field, so that submitting is enough."""

    async def handle(request: web.Request) -> web.Response:
        body = (
            "<Error><Code>AuthorizationHeaderMalformed</Code>"
            "<Region>eu-north-1</Region></Error>"
        )
        return web.Response(status=400, text=body)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    entry = frigate_entry()
    await async_set_up(hass, entry)
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    form = await start(hass, entry.entry_id)
    result = await submit(hass, form, typed(rclone, endpoint_url=url))
    assert result["errors"] == {"region": "wrong_region"}
    assert suggested(result)["region"] == "eu-north-1"
    await runner.cleanup()


async def test_reconfigure(hass: HomeAssistant, rclone: RcloneS3) -> None:
    """The secret stays unless it is another's; what was found is found again."""
    entry = await add(hass, rclone)
    subentry = only(hass, entry.entry_id)

    async def reconfigure() -> Any:
        return await hass.config_entries.subentries.async_init(
            (entry.entry_id, "s3"),
            context={
                "source": SOURCE_RECONFIGURE,
                "subentry_id": subentry.subentry_id,
            },
        )

    form = await reconfigure()
    assert "secret_access_key" not in suggested(form)
    values = typed(rclone, path="other")
    del values["secret_access_key"]
    other_key = values | {"access_key_id": "AKIDOTHER"}
    result = await submit(hass, form, other_key)
    assert result["errors"] == {"secret_access_key": "secret_missing"}
    elsewhere = values | {"endpoint_url": "http://127.0.0.2:9000"}
    result = await submit(hass, result, elsewhere)
    assert result["errors"] == {"secret_access_key": "secret_missing"}
    result = await submit(hass, result, values)
    assert result["reason"] == "reconfigure_successful"
    data = only(hass, entry.entry_id).data
    assert data["path"] == "other"
    assert data["secret_access_key"] == SECRET_KEY


async def test_a_refused_key_is_repaired(
    hass: HomeAssistant, rclone: RcloneS3, engine: StandInEngine, fix: Post
) -> None:
    """The form asks for the key; it is tested before it is stored."""
    entry = await add(hass, rclone)
    subentry = only(hass, entry.entry_id)
    hass.config_entries.async_update_subentry(
        entry, subentry, data={**subentry.data, "secret_access_key": "old"}
    )
    await hass.async_block_till_done()
    engine.show_destination(
        subentry.subentry_id, connected=False, problem=Problem.LOGIN_REFUSED
    )
    await hass.async_block_till_done()
    issue_id = f"login_refused_{subentry.subentry_id}"
    assert issue_id in open_issues(hass)
    form = await fix(issue_id)
    assert form["step_id"] == "credentials"
    result = await fix(form, access_key_id=ACCESS_KEY, secret_access_key="wrong")
    assert result["errors"] == {"access_key_id": "invalid_auth"}
    result = await fix(result, access_key_id="AK\nID", secret_access_key=SECRET_KEY)
    assert result["errors"] == {"access_key_id": "invalid_access_key"}
    done = await fix(
        result, access_key_id=f" {ACCESS_KEY} ", secret_access_key=f" {SECRET_KEY}\t"
    )
    assert done["type"] == "create_entry"
    assert only(hass, entry.entry_id).data["secret_access_key"] == SECRET_KEY


class Host(Bucket):
    """A bucket that stands in the path, or before the host's name alone."""

    def __init__(self, *, is_virtual: bool) -> None:
        """Note who was asked."""
        super().__init__()
        self.is_virtual = is_virtual
        self.asked: set[str] = set()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer as such servers do to what is asked at another form."""
        self.asked.add(request.url.host or "")
        path = request.match_info["path"]
        named = request.url.host == "evidence.localhost"
        if self.is_virtual:
            if named:
                request.match_info["path"] = f"evidence/{path}"
            if not named or path.partition("/")[0] == "evidence":
                return web.Response(status=404, body=error_xml("NoSuchKey"))
        elif path.partition("/")[0] != "evidence":
            return web.Response(status=404, body=error_xml("NoSuchBucket"))
        return await self.handle(request)


@pytest.mark.usefixtures("disable_mock_zeroconf_resolver", "mock_async_zeroconf")
@pytest.mark.parametrize("is_virtual", [False, True])
async def test_a_host_that_is_called_as_the_bucket(
    hass: HomeAssistant, rclone: RcloneS3, is_virtual: bool
) -> None:
    """The address is taken as it was typed; as one with the bucket only if it is none."""
    bucket = Host(is_virtual=is_virtual)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", bucket.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    entry = frigate_entry()
    await async_set_up(hass, entry)
    form = await start(hass, entry.entry_id)
    url = f"http://evidence.localhost:{port}"
    result = await submit(hass, form, typed(rclone, endpoint_url=url))
    assert result["type"] == "create_entry", result["errors"]
    data = only(hass, entry.entry_id).data
    if is_virtual:
        assert data["endpoint_url"] == f"http://localhost:{port}"
        assert data["addressing"] == "virtual"
    else:
        assert data["endpoint_url"] == url
        assert data["addressing"] == "path"
        assert bucket.asked == {"evidence.localhost"}
    assert bucket.objects == {}
    await runner.cleanup()


@pytest.mark.parametrize(
    ("status", "body", "field", "error"),
    [
        (204, b"", "endpoint_url", "cannot_connect"),
        (404, b"", "bucket", "bucket_not_found"),
        (400, error_xml("InvalidBucketName"), "bucket", "bucket_not_found"),
        (400, error_xml("InvalidRegionName"), "region", "wrong_region"),
        (400, error_xml("MethodNotAllowed"), "path", "rejected"),
    ],
)
async def test_answers_that_are_about_a_field(
    hass: HomeAssistant,
    rclone: RcloneS3,
    status: int,
    body: bytes,
    field: str,
    error: str,
) -> None:
    """Whatever is asked for."""

    async def handle(request: web.Request) -> web.Response:
        return web.Response(status=status, body=body)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    entry = frigate_entry()
    await async_set_up(hass, entry)
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    form = await start(hass, entry.entry_id)
    result = await submit(hass, form, typed(rclone, endpoint_url=url))
    assert result["errors"] == {field: error}
    await runner.cleanup()


@pytest.mark.parametrize(
    ("changes", "errors"),
    [
        ({"bucket": "two words"}, {"bucket": "invalid_bucket"}),
        ({"endpoint_url": "ftp://nas"}, {"endpoint_url": "invalid_url"}),
    ],
)
async def test_a_mistake_does_not_ask_for_the_stored_secret(
    hass: HomeAssistant,
    rclone: RcloneS3,
    changes: dict[str, Any],
    errors: dict[str, str],
) -> None:
    """It is kept once the mistake is corrected."""
    entry = await add(hass, rclone)
    subentry_id = only(hass, entry.entry_id).subentry_id
    form = await entry.start_subentry_reconfigure_flow(hass, subentry_id)
    values = {**typed(rclone), "secret_access_key": ""}
    result = await submit(hass, form, {**values, **changes})
    assert result["errors"] == errors
    result = await submit(hass, result, values)
    assert result["reason"] == "reconfigure_successful"
    assert only(hass, entry.entry_id).data["secret_access_key"] == SECRET_KEY


@pytest.mark.parametrize(
    ("lost", "is_asked"),
    [
        ({"endpoint_url": ...}, True),
        ({"endpoint_url": 5}, True),
        ({"endpoint_url": "http://["}, True),
        ({"access_key_id": ...}, True),
        ({"secret_access_key": ...}, True),
        ({"secret_access_key": None}, True),
        ({"region": ...}, False),
        ({"bucket": None}, False),
    ],
    ids=str,
)
async def test_data_that_lack_something(
    hass: HomeAssistant,
    rclone: RcloneS3,
    engine: StandInEngine,
    lost: dict[str, Any],
    is_asked: bool,
) -> None:
    """A secret whose key or server is not known goes nowhere: it is asked for."""
    entry = await add(hass, rclone)
    subentry = only(hass, entry.entry_id)
    data = {**subentry.data, **lost}
    hass.config_entries.async_update_subentry(
        entry, subentry, data={k: v for k, v in data.items() if v is not ...}
    )
    await hass.async_block_till_done()
    form = await entry.start_subentry_reconfigure_flow(hass, subentry.subentry_id)
    values = typed(rclone)
    secret = values.pop("secret_access_key")
    result = await submit(hass, form, values)
    if is_asked:
        assert result["errors"] == {"secret_access_key": "secret_missing"}
        result = await submit(hass, result, values | {"secret_access_key": secret})
    assert result["reason"] == "reconfigure_successful"
    assert only(hass, entry.entry_id).data["secret_access_key"] == SECRET_KEY
    await hass.async_block_till_done()
    (setup,) = engine.setups
    await setup.destination.connect()
    await setup.destination.close()
