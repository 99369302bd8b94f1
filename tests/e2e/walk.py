"""Where a user walks, and the steps to set everything up."""

from collections.abc import Mapping
from dataclasses import dataclass, field
import logging
import time
from typing import Final

from playwright.async_api import Locator
import pytest

from ..harness.home_assistant import DOMAIN
from ..harness.home_assistant_api import Json
from ..harness.s3_servers import ACCESS_KEY, SECRET_KEY, RcloneS3
from ..real.stage import Stage
from ..waiting import LONG
from .browser import Browser
from .words import Words, foreign

CAMERA: Final = "front_door"
FRIGATE, SERVER, FOLDER, BUCKET = "Frigate", "Backup server", "NAS", "Bucket"
OURS: Final = f"/config/integrations/integration/{DOMAIN}"

_LOGGER: Final = logging.getLogger(__name__)

TITLE: Final = "Frigate Snap Sync"


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """Where the user walks, and the user's browser."""

    stage: Stage
    bucket: RcloneS3
    browser: Browser
    words: Words = field(default_factory=Words)

    @property
    def names(self) -> Mapping[str, str]:
        """What pictures of this machine show instead of its own names."""
        ssh = self.stage.ssh
        return {ssh.host: "backup.lan", ssh.username: "frigate"}

    def seconds(self, what: str, began: float) -> float:
        """Return what it took, without the looks; and say it to who reads the output."""
        seconds = time.monotonic() - began - self.browser.looked
        _LOGGER.warning("%s: %d clicks, %.0f s", what, self.browser.clicks, seconds)
        return seconds

    async def look_on_a_phone(
        self, name: str, *, ours: str | None = None, fits: bool = True
    ) -> None:
        """Keep a picture of what a phone would show, in the language of the walk.

        All can be read there to its end if it `fits`, or `ours` alone where Home
        Assistant cuts its own texts off; and nothing is in another language.
        """
        language = "" if self.words.language == "en" else f"-{self.words.language}"
        async with self.browser.on_a_phone():
            await self.browser.look(f"{name}-phone{language}")
            cut_off = await self.browser.cut_off() if fits else []
            if cut_off and (ours is None or ours in cut_off):
                pytest.fail(f"Cut off on a phone: {cut_off}")
        await self.check_language()

    async def check_language(self) -> None:
        """Check that nothing that is shown is in another language."""
        language = self.words.language
        if language != "en":
            if wrong := foreign(await self.browser.texts(), self.words):
                pytest.fail(f"Not in the language {language}: {sorted(wrong)}")

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


async def set_up_frigate(walk: Walk, kind: str) -> None:
    """Fill in the form of a Frigate, and choose the kind of the first destination."""
    browser, words = walk.browser, walk.words
    await browser.wait_for_step(words("config.step.user.title"))
    await walk.look_on_a_phone("frigate-form")
    await browser.fill({"url": walk.stage.server.url})
    await browser.answer(words.submit)
    menu = "config.step.first_destination"
    await browser.wait_for_step(words(f"{menu}.title"))
    await walk.look_on_a_phone("first-destination")
    choice = browser.dialog.get_by_text(words(f"{menu}.menu_options.{kind}"))
    await browser.click(choice.first)


async def fill_in_folder(walk: Walk) -> None:
    """Fill in the form of a folder."""
    browser, words = walk.browser, walk.words
    await browser.wait_for_step(words("config_subentries.local.step.user.title"))
    await walk.look_on_a_phone("folder-form")
    await browser.fill({"name": FOLDER, "path": str(walk.stage.folder)})
    await browser.answer(words.submit)
    await browser.close_dialog(words.finish)


async def add_server(walk: Walk) -> None:
    """Go through the steps of an SFTP server with a key that is made."""
    browser, words, ssh = walk.browser, walk.words, walk.stage.ssh
    steps = "config_subentries.sftp.step"
    await browser.wait_for_step(words(f"{steps}.user.title"))
    await walk.look_on_a_phone("server-form")
    await browser.fill(
        {
            "name": SERVER,
            "host": ssh.host,
            "username": ssh.username,
            "path": str(ssh.root),
        }
    )
    await browser.dialog.locator("input[type=number]").first.fill(str(ssh.port))
    await browser.answer(words.submit)

    await browser.wait_for_step(words(f"{steps}.host_key.title"))
    await browser.wait_for_step(ssh.fingerprint)
    await walk.look_on_a_phone("host-key")
    pictures = [await browser.dialog_picture(walk.names)]
    await browser.answer(words.submit)

    await browser.wait_for_step(words(f"{steps}.public_key.title"))
    await walk.look_on_a_phone("key")
    key = await browser.dialog.locator("textarea[name=public_key]").input_value()
    command = await browser.dialog.locator("textarea[name=command]").input_value()
    assert key in command
    pictures.append(await browser.dialog_picture(walk.names))
    ssh.authorize(key)
    await browser.answer(words.submit)
    await browser.close_dialog(words.finish)
    if words.language == "en":
        await browser.save_below_each_other("sftp-keys", pictures)


async def add_bucket(walk: Walk) -> None:
    """Fill in the form of a bucket."""
    browser = walk.browser
    await browser.wait_for_step("Add S3 bucket")
    await walk.look_on_a_phone("bucket-form")
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


async def first_file(walk: Walk, name: str) -> None:
    """Let something happen, and wait for its first verified file."""
    await walk.stage.wait_ready()
    walk.see()
    await walk.wait_uploaded(name, "live_snapshots", 1)
