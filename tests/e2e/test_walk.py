"""A new user sets everything up, looks, plays, drills, repairs, changes and removes."""

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack
from dataclasses import replace
from itertools import zip_longest
import os
from pathlib import Path
import re
import time
from typing import Final

from playwright.async_api import Locator
import pytest
import pytest_asyncio

from ..harness.frigate import Frigate, Timing
from ..harness.home_assistant import DOMAIN
from ..harness.installation import add_mqtt
from ..harness.processes import wait_until
from ..harness.s3_servers import RcloneS3
from ..real.stage import open_stage
from ..waiting import LONG, until
from .browser import open_browser
from .walk import (
    BUCKET,
    CAMERA,
    FOLDER,
    FRIGATE,
    OURS,
    SERVER,
    TITLE,
    Walk,
    add_bucket,
    add_server,
    fill_in_folder,
    first_file,
    set_up_frigate,
)
from .words import LANGUAGES, Words

TIMING: Final = replace(Timing().scaled(0.1), alert_cutoff=6, detection_cutoff=6)
RESULTS: Final = Path(__file__).parents[2] / ".results" / "pictures"
ASKED: Final = os.environ.get("WALK_LANGUAGES")
"""Languages to walk in instead of German, such as `fr,nl,es`."""


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
            # So that pictures show the time that the cameras burn in.
            open_stage(folder, frigate, destinations=(), time_zone="UTC")
        )
        browser = await stack.enter_async_context(
            open_browser(stage.home_assistant.url, RESULTS)
        )
        await add_mqtt(stage.home_assistant.api, stage.broker.port)
        await browser.log_in()
        yield Walk(stage=stage, bucket=bucket, browser=browser)
        # Stopped here, so that the log is whole.
        await stage.home_assistant.stop()
        assert not stage.home_assistant.complaints()


@pytest_asyncio.fixture(loop_scope="module", name="walk")
async def fixture_walk(
    opened: Walk, request: pytest.FixtureRequest
) -> AsyncIterator[Walk]:
    """Begin where nothing of ours is set up, and leave nothing behind."""
    said = len(opened.stage.home_assistant.log_text())
    opened.browser.complaints.clear()
    opened.browser.clicks, opened.browser.looked = 0, 0
    yield opened
    await opened.browser.look(f"last-of-{request.node.name}")
    for entry in await opened.entries():
        await opened.stage.home_assistant.api.request(
            "DELETE", f"config/config_entries/entry/{entry['entry_id']}"
        )
    assert opened.browser.complaints == []
    assert not _warnings(opened.stage.home_assistant.log_text()[said:])


def _warnings(log: str) -> list[str]:
    """Return what our integration said as a warning or worse, but what it must say.

    Of the server with another host key it says so; before that, that the old one closed
    the connection, if anything was being sent.
    """
    said = [
        line
        for line in log.splitlines()
        if re.match(
            rf"\S+ \S+ (WARNING|ERROR|CRITICAL) .*\[custom_components\.{DOMAIN}", line
        )
    ]
    other_key = re.compile(rf"Destination {SERVER} .*host key .*not the pinned")
    closed = re.compile(rf"Destination {SERVER} .*: The server closed the connection$")
    return [
        line
        for line, after in zip_longest(said, said[1:], fillvalue="")
        if not other_key.search(line)
        and not (closed.search(line) and other_key.search(after))
    ]


async def _play(walk: Walk) -> None:
    """Browse down to the recording, which is at the server alone; play it and seek."""
    browser, page = walk.browser, walk.browser.page
    await browser.open("/media-browser/browser")
    titles = page.locator("ha-media-player-browse .title")
    today = re.compile(r"^\s*\d{4}-\d\d-\d\d\s*$")
    for title in (TITLE, FRIGATE, CAMERA, today):
        await browser.click(titles.filter(has_text=title).first)
        await titles.filter(has_text=title).first.wait_for(state="detached")
    alert = re.escape(walk.words("common.alert"))
    recording = titles.filter(has_text=re.compile(f"person, .* s, {alert}"))
    await recording.first.wait_for()
    if walk.words.language == "en":
        await browser.save_view("media")
    # Home Assistant cuts off what does not fit under a picture that is small.
    await walk.look_on_a_phone("media", fits=False)
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
    await walk.device(FRIGATE).wait_for()
    await walk.look_on_a_phone("integration", ours=SERVER)
    await browser.click(walk.device(FRIGATE))
    drill = walk.words("entity.button.drill.name")
    row = browser.page.locator("hui-button-entity-row").filter(has_text=drill)
    await browser.click(row.locator("ha-button"))
    await browser.wait_for_text(walk.words("entity.sensor.last_drill.state.passed"))
    if walk.words.language == "en":
        await browser.save_page("frigate", until="Connected devices")


async def _repair_on_a_phone(walk: Walk) -> None:
    """Set the server up with another host key, and confirm it through the repair."""
    browser, stage = walk.browser, walk.stage
    api = stage.home_assistant.api
    seen = int(await stage.value(SERVER, "sensor", "live_snapshots_uploaded") or 0)
    await stage.ssh.change_host_key()
    walk.see()

    async def reported() -> bool:
        return any("host_key" in one for one in await api.repairs(DOMAIN))

    await wait_until(reported, "the repair is there", timeout=LONG)
    words = walk.words
    title = words("issues.host_key_changed.title").format(destination=SERVER)
    step = "issues.host_key_changed.fix_flow.step.confirm.title"
    async with browser.on_a_phone():
        await browser.open("/config/repairs")
        repair = browser.page.get_by_text(title).filter(visible=True).first
        await repair.wait_for()
        await walk.look_on_a_phone("repairs", ours=title)
        if words.language == "en":
            await _show_instead(walk, repair, lambda one: one.titles_of_repairs(SERVER))
        await browser.click(repair)
        await browser.wait_for_step(words(step))
        await browser.wait_for_step(stage.ssh.fingerprint)
        await walk.look_on_a_phone("repair")
        if words.language == "en":
            header = browser.dialog.get_by_text(words(step)).first
            await _show_instead(walk, header, Words.titles_of_dialogs)
        await browser.answer(words.submit)
        await browser.close_dialog(words.finish)
    # What happened meanwhile.
    await walk.wait_uploaded(SERVER, "live_snapshots", seen + 1)
    assert await api.repairs(DOMAIN) == []


async def _show_instead(
    walk: Walk, shown: Locator, titles_of: Callable[[Words], Iterable[str]]
) -> None:
    """Show all titles of all languages, one by one, in the place of one of them."""
    titles = {title for language in LANGUAGES for title in titles_of(Words(language))}
    assert await walk.browser.cut_off_instead(shown, sorted(titles)) == []


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
    await walk.look_on_a_phone("reconfigure")
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
    await set_up_frigate(walk, "local")
    await fill_in_folder(walk)
    await first_file(walk, FOLDER)
    assert walk.seconds("A folder", began) < 60
    assert browser.clicks <= 7


async def _speak(walk: Walk, language: str) -> None:
    """Let Home Assistant, and what it shows its owner, be in a language."""
    api = walk.stage.home_assistant.api
    chosen = {"language": language, "number_format": "language"}
    await api.command("frontend/set_user_data", key="language", value=chosen)
    await api.command("config/core/update", language=language)


async def _look_at_all_forms(walk: Walk) -> None:
    """Open the form of every kind of destination, and that of changing one."""
    browser, words = walk.browser, walk.words
    for kind in ("local", "s3", "webdav"):
        await browser.press(words(f"config_subentries.{kind}.initiate_flow.user"))
        await browser.wait_for_step(words(f"config_subentries.{kind}.step.user.title"))
        await walk.look_on_a_phone(f"{kind}-form")
        await browser.leave_dialog()
    card = walk.destination(SERVER)
    await browser.click(card.locator("ha-icon-button[slot=end]").first)
    title = words("config_subentries.sftp.step.reconfigure.title")
    await browser.wait_for_step(title)
    await walk.look_on_a_phone("server-reconfigure")
    await browser.leave_dialog()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("language", (ASKED or "de").split(","))
async def test_in_another_language(walk: Walk, language: str) -> None:
    """Nothing of ours is in English, or a key without a text; all fits on a phone."""
    walk = replace(walk, words=Words(language))
    browser, page = walk.browser, walk.browser.page
    await _speak(walk, language)
    try:
        await browser.open("/config/integrations/dashboard")
        card = page.locator("ha-config-flow-card").filter(has_text=TITLE)
        await browser.click(browser.button(walk.words.add, within=card))
        await set_up_frigate(walk, "sftp")
        await add_server(walk)
        await first_file(walk, SERVER)
        await browser.open(OURS)
        for name in (SERVER, FRIGATE, CAMERA):
            await browser.click(walk.device(name))
            await browser.wait_for_text(walk.words.diagnostic)
            await walk.look_on_a_phone(f"device-{name.split()[0].lower()}")
            await page.go_back()
            await walk.device(name).wait_for()
        await walk.check_language()
        await _look_at_all_forms(walk)
        await walk.wait_uploaded(SERVER, "recordings", 1)
        await _play(walk)
        await _drill(walk)
        await walk.check_language()
        await _repair_on_a_phone(walk)
        await browser.open(OURS)
        entry = page.locator("ha-config-entry-row")
        await browser.click(entry.locator("ha-icon-button[slot=end]").first)
        await browser.wait_for_step(walk.words("options.step.init.title"))
        await walk.look_on_a_phone("options")
    finally:
        await _speak(walk, "en")
        await browser.open("/config/integrations/dashboard")


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
    await set_up_frigate(walk, "sftp")
    await add_server(walk)
    await first_file(walk, SERVER)
    assert walk.seconds("An SFTP server", began) < 180
    assert browser.clicks <= 12

    await walk.wait_uploaded(SERVER, "recordings", 1)
    await _play(walk)
    await browser.open(OURS)
    await browser.press("Add local folder")
    await fill_in_folder(walk)
    await browser.press("Add S3 bucket")
    await add_bucket(walk)
    await _see_counters(walk)
    await _drill(walk)
    await _repair_on_a_phone(walk)
    await _change(walk)
    await _remove(walk)
