"""The pages of the documentation, as the tests that judge them read them."""

import json
import re

from .source import INTEGRATION, ROOT

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


MANUAL = (
    json.loads((INTEGRATION / "manifest.json").read_text())["documentation"]
    + "/blob/main/docs/"
)
"""Where the manual is read: below the page that the manifest names."""


def is_in_manual(url: str) -> bool:
    """Tell whether an address is that of a heading of the manual."""
    name, _, anchor = url.removeprefix(MANUAL).partition("#")
    page = ROOT / "docs" / name
    return (
        url.startswith(MANUAL)
        and page.is_file()
        and anchor in anchors(page.read_text())
    )


def anchors(text: str) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"(?m)^#+ (.*)$", text)
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        for heading in headings
    }
