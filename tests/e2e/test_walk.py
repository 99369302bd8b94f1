"""A new user sets everything up, looks, plays, drills, repairs, changes and removes."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
import logging
from pathlib import Path
import re
import time
from typing import Final

from playwright.async_api import Locator
import pytest
import pytest_asyncio

from ..harness.frigate import Frigate, Timing
from ..harness.home_assistant import DOMAIN
from ..harness.home_assistant_api import Json
from ..harness.installation import add_mqtt
from ..harness.processes import wait_until
from ..harness.s3_servers import ACCESS_KEY, SECRET_KEY, RcloneS3
from ..real.stage import Stage, open_stage
from ..waiting import LONG, until
from .browser import Browser, open_browser

CAMERA: Final = "front_door"
FRIGATE, SERVER, FOLDER, BUCKET = "Frigate", "Backup server", "NAS", "Bucket"
TIMING: Final = replace(Timing().scaled(0.1), alert_cutoff=6, detection_cutoff=6)
RESULTS: Final = Path(__file__).parents[2] / ".results" / "pictures"
OURS: Final = f"/config/integrations/integration/{DOMAIN}"

_LOGGER: Final = logging.getLogger(__name__)

TITLE: Final = "Frigate Snap Sync"


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """Where the user walks, and the user's browser."""

    stage: Stage
    bucket: RcloneS3
    browser: Browser

    @property
    def names(self) -> Mapping[str, str]:
        """What pictures of this machine show instead of its own names."""
        ssh = self.stage.ssh
        return {ssh.host: "backup.lan", ssh.username: "frigate"}

    def note(self, what: str, began: float) -> None:
        """Write down what it took, for who reads the output."""
        seconds = time.monotonic() - began
        _LOGGER.warning("%s: %d clicks, %.0f s", what, self.browser.clicks, seconds)

    def see(self) -> None:
        """Let somebody walk past the camera, for a few seconds."""
        self.stage.story.visit(CAMERA, "person", 4)

    async def wait_uploaded(self, name: str, kind: str, count: int) -> None:
        """Wait until a destination has verified so many files of a kind."""
        await self.stage.wait_for_value(
            name, "sensor", f"{kind}_uploaded", str(count), timeout=LONG
        )

    async def entries(self) -> list[Json]:
        """Return the entries of our integration."""
        return await self.stage.home_assistant.api.entries(DOMAIN)

    def device(self, name: str) -> Locator:
        """Return the line of a device, on the integration's page."""
        return self.browser.page.locator("ha-config-entry-device-row").filter(
            has=self.browser.page.get_by_text(name, exact=True)
        )

    def destination(self, name: str) -> Locator:
        """Return the card of a destination, on the integration's page."""
        return self.browser.page.locator("ha-config-sub-entry-row").filter(
            has=self.browser.page.get_by_text(name, exact=True)
        )

    async def delete(self, row: Locator) -> None:
        """Delete what a row stands for, by its menu."""
        browser = self.browser
        await browser.click(row.locator("ha-icon-button[slot=trigger]").first)
        await browser.click(
            row.locator("ha-dropdown-item").filter(has_text="Delete", visible=True)
        )
        box = browser.page.locator("dialog-box")
        await browser.click(browser.button("Delete", within=box))
        await row.wait_for(state="detached")


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="opened")
async def fixture_opened(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Walk]:
    """Start everything, with MQTT set up: Frigate needs it anyway."""
    folder = tmp_path_factory.mktemp("walk")
    async with AsyncExitStack() as stack:
        bucket = RcloneS3(folder / "buckets")
        (bucket.root / "cams").mkdir(parents=True)
        await stack.enter_async_context(bucket)
        frigate = Frigate((CAMERA, "driveway"), timing=TIMING)
        stage = await stack.enter_async_context(
            open_stage(folder, frigate, destinations=())
        )
        browser = await stack.enter_async_context(
            open_browser(stage.home_assistant.url, RESULTS)
        )
        await add_mqtt(stage.home_assistant.api, stage.broker.port)
        await browser.log_in()
        yield Walk(stage=stage, bucket=bucket, browser=browser)


@pytest_asyncio.fixture(loop_scope="module", name="walk")
async def fixture_walk(
    opened: Walk, request: pytest.FixtureRequest
) -> AsyncIterator[Walk]:
    """Begin where nothing of ours is set up, and leave nothing behind."""
    said = len(opened.stage.home_assistant.log_text())
    opened.browser.complaints.clear()
    opened.browser.clicks = 0
    yield opened
    await opened.browser.look(f"last-of-{request.node.name}")
    for entry in await opened.entries():
        await opened.stage.home_assistant.api.request(
            "DELETE", f"config/config_entries/entry/{entry['entry_id']}"
        )
    assert opened.browser.complaints == []
    assert not _warnings(opened.stage.home_assistant.log_text()[said:])


def _warnings(log: str) -> list[str]:
    """Return what our integration said as a warning or worse, but what it must say."""
    return [
        line
        for line in log.splitlines()
        if re.match(
            rf"\S+ \S+ (WARNING|ERROR|CRITICAL) .*\[custom_components\.{DOMAIN}", line
        )
        and not re.search(rf"Destination {SERVER} .*host key .*not the pinned", line)
    ]


async def _set_up_frigate(walk: Walk, kind: str) -> None:
    """Fill in the form of a Frigate, and choose the kind of the first destination."""
    browser = walk.browser
    await browser.wait_for_step("Connect to Frigate")
    await browser.look_on_a_phone("frigate-form")
    await browser.fill({"url": walk.stage.server.url})
    await browser.answer("Submit")
    await browser.wait_for_step("Where should the first copies go?")
    await browser.look_on_a_phone("first-destination")
    await browser.click(browser.dialog.get_by_text(kind, exact=True))


async def _fill_in_folder(walk: Walk) -> None:
    browser = walk.browser
    await browser.wait_for_step("Add local folder")
    await browser.look_on_a_phone("folder-form")
    await browser.fill({"name": FOLDER, "path": str(walk.stage.folder)})
    await browser.answer("Submit")
    await browser.close_dialog("Finish")


async def _add_server(walk: Walk) -> None:
    """Go through the steps of an SFTP server with a key that is made."""
    browser, ssh = walk.browser, walk.stage.ssh
    await browser.wait_for_step("Add SFTP server")
    await browser.look_on_a_phone("server-form")
    await browser.fill(
        {
            "name": SERVER,
            "host": ssh.host,
            "username": ssh.username,
            "path": str(ssh.root),
        }
    )
    await browser.dialog.locator("input[type=number]").first.fill(str(ssh.port))
    await browser.answer("Submit")

    await browser.wait_for_step("Confirm the host key")
    await browser.wait_for_step(ssh.fingerprint)
    await browser.look_on_a_phone("host-key")
    pictures = [await browser.dialog_picture(walk.names)]
    await browser.answer("Submit")

    await browser.wait_for_step("Allow this key on the server")
    await browser.look_on_a_phone("key")
    key = await browser.dialog.locator("textarea[name=public_key]").input_value()
    command = await browser.dialog.locator("textarea[name=command]").input_value()
    assert key in command
    pictures.append(await browser.dialog_picture(walk.names))
    ssh.authorize(key)
    await browser.answer("Submit")
    await browser.close_dialog("Finish")
    await browser.save_below_each_other("sftp-keys", pictures)


async def _add_bucket(walk: Walk) -> None:
    browser = walk.browser
    await browser.wait_for_step("Add S3 bucket")
    await browser.look_on_a_phone("bucket-form")
    await browser.fill(
        {
            "name": BUCKET,
            "endpoint_url": walk.bucket.url,
            "region": "us-east-1",
            "bucket": "cams",
            "access_key_id": ACCESS_KEY,
            "secret_access_key": SECRET_KEY,
        }
    )
    await browser.answer("Submit")
    await browser.close_dialog("Finish")


async def _first_file(walk: Walk, name: str) -> None:
    """Let something happen, and wait for its first verified file."""
    await walk.stage.wait_ready()
    walk.see()
    await walk.wait_uploaded(name, "live_snapshots", 1)


async def _play(walk: Walk) -> None:
    """Browse down to the recording, which is at the server alone; play it and seek."""
    browser, page = walk.browser, walk.browser.page
    await browser.open("/media-browser/browser")
    titles = page.locator("ha-media-player-browse .title")
    today = re.compile(r"^\s*\d{4}-\d\d-\d\d\s*$")
    for title in (TITLE, FRIGATE, CAMERA, today):
        await browser.click(titles.filter(has_text=title).first)
        await titles.filter(has_text=title).first.wait_for(state="detached")
    recording = titles.filter(has_text=re.compile("person, .* s, Alert"))
    await recording.first.wait_for()
    await page.wait_for_load_state("networkidle")
    await browser.look("media")
    await browser.click(recording.first)
    film = page.locator("video")
    await film.evaluate("""film => new Promise((done, failed) => {
        const look = () => film.currentTime > 0.5 ? done()
            : film.error ? failed(film.error.message) : setTimeout(look, 50);
        look();
    })""")
    await browser.look("playing")
    there = await film.evaluate("""film => new Promise((done, failed) => {
        film.addEventListener("seeked", () => done(film.currentTime), {once: true});
        film.addEventListener("error", () => failed(film.error.message));
        film.currentTime = film.duration * 0.7;
    })""")
    assert there > 5


async def _see_counters(walk: Walk) -> None:
    """Look at the server's page while the counters move."""
    browser = walk.browser
    await browser.open(OURS)
    await browser.click(walk.device(SERVER))
    await browser.wait_for_text("Recordings uploaded")
    row = browser.page.locator("hui-sensor-entity-row, hui-simple-entity-row").filter(
        has_text="Live snapshots uploaded"
    )
    await row.get_by_text(re.compile(r"\b1\b")).wait_for()
    walk.see()
    await row.get_by_text(re.compile(r"\b2\b")).wait_for()
    await walk.wait_uploaded(FOLDER, "live_snapshots", 1)
    await walk.wait_uploaded(BUCKET, "live_snapshots", 1)
    await browser.save_page("destination")


async def _drill(walk: Walk) -> None:
    browser = walk.browser
    await browser.open(OURS)
    await browser.save_page("integration")
    await browser.click(walk.device(FRIGATE))
    row = browser.page.locator("hui-button-entity-row").filter(has_text="Drill")
    await browser.click(row.locator("ha-button"))
    await browser.wait_for_text("Passed")
    await browser.page.mouse.move(0, 0)
    await browser.save_page("frigate")


async def _repair_on_a_phone(walk: Walk) -> None:
    """Set the server up with another host key, and confirm it through the repair."""
    browser, stage = walk.browser, walk.stage
    await stage.ssh.change_host_key()
    walk.see()
    api = stage.home_assistant.api

    async def reported() -> bool:
        return any("host_key" in one for one in await api.repairs(DOMAIN))

    await wait_until(reported, "the repair is there", timeout=LONG)
    async with browser.on_a_phone():
        await browser.open("/config/repairs")
        repair = browser.page.get_by_text(f"The host key of {SERVER} has changed")
        await repair.filter(visible=True).first.wait_for()
        await browser.look("repairs-phone")
        assert await browser.cut_off() == []
        await browser.click(repair.filter(visible=True).first)
        await browser.wait_for_step("Confirm the new host key")
        await browser.wait_for_step(stage.ssh.fingerprint)
        await browser.look("repair-phone")
        assert await browser.cut_off() == []
        await browser.answer("Submit")
        await browser.close_dialog("Finish")
    # What happened meanwhile.
    await walk.wait_uploaded(SERVER, "live_snapshots", 3)
    assert await api.repairs(DOMAIN) == []


async def _change(walk: Walk) -> None:
    """Give the folder another name, and change how Frigate is reached."""
    browser = walk.browser
    await browser.open(OURS)
    card = walk.destination(FOLDER)
    await browser.click(card.locator("ha-icon-button[slot=end]").first)
    await browser.wait_for_step("Reconfigure local folder")
    await browser.fill({"name": "Attic"})
    await browser.answer("Submit")
    await browser.wait_for_step("Reconfiguration was successful")
    await browser.close_dialog("Close")
    await walk.destination("Attic").first.wait_for()

    entry = browser.page.locator("ha-config-entry-row")
    await browser.click(entry.locator("ha-icon-button[slot=trigger]").first)
    await browser.click(
        entry.locator("ha-dropdown-item").filter(has_text="Reconfigure", visible=True)
    )
    await browser.wait_for_step("Reconfigure Frigate")
    await browser.look_on_a_phone("reconfigure")
    await browser.answer("Submit")
    await browser.wait_for_step("Reconfiguration was successful")
    await browser.close_dialog("Close")


async def _remove(walk: Walk) -> None:
    """Remove one destination, then the whole; the copies stay where they are."""
    await walk.browser.open(OURS)
    await walk.delete(walk.destination("Attic"))
    await walk.delete(walk.browser.page.locator("ha-config-entry-row"))

    async def gone() -> bool:
        return not await walk.entries()

    await until(gone)
    assert any(walk.stage.folder.rglob("*.jpg"))
    assert any(walk.stage.ssh.root.rglob("*.mp4"))


async def test_folder(walk: Walk) -> None:
    """From "Add integration" to the first verified file: 7 clicks and a minute."""
    browser, page = walk.browser, walk.browser.page
    began = time.monotonic()
    await browser.open("/config/integrations/dashboard")
    await browser.press("Add integration")
    choice = page.locator("dialog-add-integration")
    await choice.locator("input").first.fill(TITLE)
    await browser.click(choice.get_by_text(TITLE).first)
    # It is discovered too.
    await browser.click(choice.get_by_text(FRIGATE, exact=True))
    await _set_up_frigate(walk, "Local folder or mounted share")
    await _fill_in_folder(walk)
    await _first_file(walk, FOLDER)
    walk.note("A folder", began)
    assert browser.clicks <= 7
    assert time.monotonic() - began < 60


@pytest.mark.timeout(400)
async def test_everything(walk: Walk) -> None:
    """From the discovery to the removal, with three destinations."""
    browser, page = walk.browser, walk.browser.page
    began = time.monotonic()
    await browser.open("/config/integrations/dashboard")
    card = page.locator("ha-config-flow-card").filter(has_text=TITLE)
    await card.wait_for()
    await browser.look("discovered")
    await browser.click(browser.button("Add", within=card))
    await _set_up_frigate(walk, "SFTP server")
    await _add_server(walk)
    await _first_file(walk, SERVER)
    walk.note("An SFTP server", began)
    assert browser.clicks <= 12
    assert time.monotonic() - began < 180

    await walk.wait_uploaded(SERVER, "recordings", 1)
    await _play(walk)
    await browser.open(OURS)
    await browser.press("Add local folder")
    await _fill_in_folder(walk)
    await browser.press("Add S3 bucket")
    await _add_bucket(walk)
    await _see_counters(walk)
    await _drill(walk)
    await _repair_on_a_phone(walk)
    await _change(walk)
    await _remove(walk)
