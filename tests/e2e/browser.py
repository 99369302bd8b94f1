"""Chromium, as a user holds it: it counts clicks, and keeps what the console says."""

import base64
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
import os
from pathlib import Path
import re
import time
from typing import Final

from playwright.async_api import (
    ConsoleMessage,
    Error,
    Locator,
    Page,
    ViewportSize,
    async_playwright,
)

from ..harness.home_assistant import PASSWORD, USERNAME
from ..harness.processes import wait_until
from ..harness.programs import require_program

DESKTOP: Final = ViewportSize(width=1280, height=900)
PHONE: Final = ViewportSize(width=390, height=844)
README: Final = ViewportSize(width=860, height=900)
"""Narrow enough that Home Assistant hides its sidebar."""

VIEW_HEIGHT: Final = 560

_SCALE: Final = 1.5
_PATIENCE: Final = 60_000
"""Milliseconds that anything may take to be there: the machine may be busy."""

_SETTLED: Final = 5
"""Seconds after which what is shown has its form."""

_HERE: Final = Path(__file__).parent
_IMAGES: Final = _HERE.parents[1] / "docs" / "images"
_CUT_OFF: Final = (_HERE / "cut_off.js").read_text()

_OTHERS: Final = re.compile(
    r"/api/brands/integration/(?!frigate_snap_sync)|Nothing handles .*unknown_command"
)
"""Icons of other integrations, which come from the internet, and commands of parts of
Home Assistant that do not run here."""

_SAY_REASON: Final = """
addEventListener("unhandledrejection", ({ reason }) => {
  if (reason && Object.getPrototypeOf(reason) === Object.prototype)
    console.error("Nothing handles " + JSON.stringify(reason));
});
"""
_INSIDE: Final = """
  const inside = function* (node) {
    for (const child of node.childNodes) { yield child; yield* inside(child); }
    if (node.shadowRoot) yield* inside(node.shadowRoot);
  };
"""
_RENAME: Final = f"""
(root, names) => {{
  {_INSIDE}
  const renamed = text => Object.entries(names).reduce(
    (shown, [from, to]) => shown.replaceAll(from, to), text);
  for (const node of inside(root)) {{
    if (node.nodeType === Node.TEXT_NODE && renamed(node.data) !== node.data)
      node.data = renamed(node.data);
    if (node.localName === "textarea") node.value = renamed(node.value);
  }}
}}
"""
_SHOW: Final = """
(element, text) => {
  for (const node of element.childNodes)
    if (node.nodeType === Node.TEXT_NODE && node.data.trim()) node.data = text;
}
"""
_TEXTS: Final = f"""
() => {{
  {_INSIDE}
  return [...inside(document.body)]
    .filter(node => node.nodeType === Node.TEXT_NODE && node.data.trim())
    .filter(node => node.parentElement?.closest("style, script") === null)
    .filter(node => node.parentElement.checkVisibility({{ visibilityProperty: true }}))
    .map(node => node.data.trim());
}}
"""
_HEIGHT: Final = f"""
() => {{
  {_INSIDE}
  const heights = [...inside(document)]
    .filter(node => node instanceof Element && node.clientHeight)
    .filter(node => ["auto", "scroll"].includes(getComputedStyle(node).overflowY))
    .map(node => node.getBoundingClientRect().top + node.scrollHeight);
  return Math.ceil(Math.max(document.documentElement.scrollHeight, ...heights));
}}
"""
_DIALOGS: Final = """<style>
  div { width: max-content; }
  img { display: block; outline: 1px solid #ccc; outline-offset: -1px; border-radius: 28px; }
  img + img { margin-top: 16px; }
</style>"""


class Browser:
    """One tab of Chromium that shows Home Assistant."""

    def __init__(self, page: Page, pictures: Path) -> None:
        """Begin on an empty page; `pictures` is the folder for those of this run."""
        self.page = page
        self.clicks = 0
        self.looked = 0.0
        """Seconds that were spent on how it looks on a phone."""
        self.complaints: list[str] = []
        self._pictures = pictures
        self._images = _IMAGES if os.environ.get("SAVE_PICTURES") else pictures
        page.set_default_timeout(_PATIENCE)
        page.on("console", self._keep_message)
        page.on("pageerror", self._keep_error)

    def _keep_message(self, said: ConsoleMessage) -> None:
        text = f"{said.text} ({said.location['url']})"
        if said.type == "error" and not _OTHERS.search(text):
            self.complaints.append(text)

    def _keep_error(self, error: Error) -> None:
        # What is thrown as an object is said on the console, see _SAY_REASON.
        if error.message != "Object":
            self.complaints.append(str(error))

    @property
    def dialog(self) -> Locator:
        """The dialog of a flow, of a set-up or of a repair."""
        return self.page.locator("dialog-data-entry-flow")

    def button(self, text: str, *, within: Locator | None = None) -> Locator:
        """Return the one visible button with just that text."""
        return (
            (within or self.page)
            .locator("ha-button")
            .filter(has_text=re.compile(rf"^\s*{re.escape(text)}\s*$"), visible=True)
        )

    async def open(self, path: str) -> None:
        """Go to a page of Home Assistant."""
        await self.page.goto(path)

    async def log_in(self) -> None:
        """Log in as the owner, with what Home Assistant opens then."""
        await self.open("/config/integrations/dashboard")
        await self.page.locator("input[name=username]").fill(USERNAME)
        await self.page.locator("input[name=password]").fill(PASSWORD)
        await self.page.get_by_role("button", name="Log in").click()
        await self.page.locator("ha-config-integrations-dashboard").wait_for()

    async def click(self, what: Locator) -> None:
        """Click, and count it."""
        await what.click()
        self.clicks += 1

    async def press(self, text: str) -> None:
        """Click the one button of the page with that text."""
        await self.click(self.button(text))

    async def answer(self, text: str) -> None:
        """Click the button of the open dialog with that text."""
        await self.click(self.button(text, within=self.dialog))

    async def fill(self, fields: Mapping[str, str]) -> None:
        """Type into fields of the open dialog, by name; that is no click."""
        for name, text in fields.items():
            await self.dialog.locator(f"[name={name}]:is(input, textarea)").fill(text)

    async def wait_for_text(self, text: str, *, within: Locator | None = None) -> None:
        """Wait until a text can be seen."""
        found = (within or self.page).get_by_text(text).filter(visible=True)
        await found.first.wait_for()

    async def wait_for_step(self, title: str) -> None:
        """Wait for the step of a flow with that title."""
        await self.wait_for_text(title, within=self.dialog)

    async def close_dialog(self, button: str) -> None:
        """Click the last button of a flow, and wait until it is closed."""
        await self.answer(button)
        await self.dialog.locator("ha-dialog").wait_for(state="detached")

    async def leave_dialog(self) -> None:
        """Close a flow before its end."""
        await self.page.keyboard.press("Escape")
        await self.dialog.locator("ha-dialog").wait_for(state="detached")

    # How it looks

    @asynccontextmanager
    async def on_a_phone(self) -> AsyncIterator[None]:
        """Be as small as a phone for a while."""
        began = time.monotonic()
        before = self.page.viewport_size or DESKTOP
        await self.page.set_viewport_size(PHONE)
        try:
            yield
        finally:
            await self.page.set_viewport_size(before)
            self.looked += time.monotonic() - began

    async def look(self, name: str) -> None:
        """Keep a picture of what is shown, for who wants to look at it."""
        await self.page.screenshot(
            path=self._pictures / f"{name}.png", animations="disabled"
        )

    async def cut_off(self) -> list[str]:
        """Return the texts of what is open that can't be read to their end.

        What was made smaller a moment ago may not have its form yet.
        """
        found: list[str] = []

        async def fits() -> bool:
            nonlocal found
            found = await self.page.evaluate(_CUT_OFF)
            return not found

        with suppress(TimeoutError):
            await wait_until(fits, "all fits", timeout=_SETTLED)
        return found

    async def cut_off_instead(self, shown: Locator, texts: list[str]) -> list[str]:
        """Return those texts that would be cut off in the place of what is shown."""
        found: list[str] = []
        # It has its own text no longer, by which it was found.
        element = await shown.element_handle()
        before = (await element.text_content() or "").strip()
        for text in [*texts, before]:
            await element.evaluate(_SHOW, text)
            found += {text} & {*await self.page.evaluate(_CUT_OFF)}
        return found

    async def texts(self) -> list[str]:
        """Return all texts that the page shows."""
        found: list[str] = await self.page.evaluate(_TEXTS)
        return found

    async def dialog_picture(self, names: Mapping[str, str]) -> bytes:
        """Return a picture of the open dialog; `names` are shown under others."""
        await self.dialog.evaluate(_RENAME, names)
        await self.page.mouse.move(0, 0)
        dialog = self.dialog.locator("dialog[open]")
        return await dialog.screenshot(animations="disabled")

    async def save_page(self, name: str, *, until: str | None = None) -> None:
        """Save a picture of the page for the README, down to the card `until`."""
        await self.page.mouse.move(0, 0)
        await self.page.set_viewport_size(README)
        await self.page.wait_for_load_state("networkidle")
        height = int(await self.page.evaluate(_HEIGHT))
        await self.page.set_viewport_size({**README, "height": height})
        if until is not None:
            card = self.page.locator("ha-card").filter(has_text=until).last
            box = await card.bounding_box()
            assert box is not None
            height = int(box["y"])
        await self.page.screenshot(
            path=self._images / f"{name}.png",
            animations="disabled",
            clip={"x": 0, "y": 0, "width": README["width"], "height": height},
        )
        await self.page.set_viewport_size(DESKTOP)

    async def save_view(self, name: str) -> None:
        """Save a picture of what can be seen of a page for the README, all of it whole."""
        await self.page.mouse.move(0, 0)
        await self.page.set_viewport_size({**README, "height": VIEW_HEIGHT})
        await self.page.wait_for_load_state("networkidle")
        assert await self.cut_off() == []
        await self.page.screenshot(
            path=self._images / f"{name}.png", animations="disabled"
        )
        await self.page.set_viewport_size(DESKTOP)

    async def save_below_each_other(self, name: str, pictures: list[bytes]) -> None:
        """Save several pictures of dialogs as one for the README."""
        page = await self.page.context.new_page()
        try:
            shown = "".join(
                '<img srcset="data:image/png;base64,'
                f'{base64.b64encode(one).decode()} {_SCALE}x">'
                for one in pictures
            )
            await page.set_content(_DIALOGS + f"<div>{shown}</div>")
            await page.locator("div").screenshot(path=self._images / f"{name}.png")
        finally:
            await page.close()


@asynccontextmanager
async def open_browser(url: str, pictures: Path) -> AsyncIterator[Browser]:
    """Start Chromium for the Home Assistant at that URL."""
    chromium = require_program("chromium", "chromium")
    pictures.mkdir(parents=True, exist_ok=True)
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        context = await running.new_context(
            base_url=url,
            viewport=DESKTOP,
            device_scale_factor=_SCALE,
            locale="en-GB",
            reduced_motion="reduce",
        )
        await context.add_init_script(_SAY_REASON)
        yield Browser(await context.new_page(), pictures)
        await running.close()
