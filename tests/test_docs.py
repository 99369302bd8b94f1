"""The documentation names places that there are, and links lead somewhere."""

from functools import cache
import json
from pathlib import Path
import re
import shutil
import sqlite3
import subprocess
from urllib.parse import parse_qs, urlsplit

import hass_frontend
import pytest
import voluptuous as vol

from custom_components.frigate_snap_sync.issues import (
    BUDGET_SPENT,
    FRIGATE_ISSUES,
    PAGES as PAGES_OF_DESTINATIONS,
    SPACE_LOW,
    manual,
)
from custom_components.frigate_snap_sync.sync.ledger import schema
from custom_components.frigate_snap_sync.sync.model.status import Problem
from homeassistant.core import HomeAssistant
from homeassistant.core_config import async_process_ha_core_config

from .pages import MANUAL, PAGES, anchors, is_in_manual
from .source import INTEGRATION, ROOT

ARCHITECTURE = (ROOT / "docs/architecture.md").read_text()
RECORDS = sorted((ROOT / "docs/decisions").glob("[0-9]*.md"))


def where_to_find() -> dict[str, list[str]]:
    """Return the questions of the architecture, each with the files it names."""
    section = ARCHITECTURE.split("## Where do I find …\n")[1].split("\n## ")[0]
    rows = re.findall(r"(?m)^\| (.*\?) \| (.*) \|$", section)
    return {
        question: re.findall(r"`([\w/]+\.py)`", places) for question, places in rows
    }


def test_there_are_questions() -> None:
    """Each of them leads to a file at least."""
    assert len(where_to_find()) >= 20
    assert all(where_to_find().values())


@pytest.mark.parametrize(
    "name", sorted({name for names in where_to_find().values() for name in names})
)
def test_each_place_exists(name: str) -> None:
    """A module that moves takes its line in the architecture along."""
    assert (INTEGRATION / name).is_file()


def test_each_table_of_the_ledger_is_described() -> None:
    """So the architecture tells what the ledger keeps, all of it and no more."""
    ledger = sqlite3.connect(":memory:", isolation_level=None)
    schema.migrate(ledger)
    tables = ledger.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
    rows = ARCHITECTURE.split("| table | a row is |")[1].split("\n\n")[0]
    described = re.findall(r"(?m)^\| `(\w+)` \|", rows)
    assert sorted(described) == sorted(name for (name,) in tables)
    ledger.close()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """Links between pages name files that there are, and headings in them."""
    text = page.read_text()
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        there = page.parent / name if name else page
        assert there.is_file(), target
        if anchor:
            assert anchor in anchors(there.read_text()), target


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.name)
def test_decisions(record: Path) -> None:
    """Context, decision, consequences; files that there are; listed by its title."""
    text = record.read_text()
    assert re.findall(r"(?m)^## (.*)$", text) == ["Context", "Decision", "Consequences"]
    for name in re.findall(r"`([\w/]+/[\w*]+\.py)`", text):
        assert list(INTEGRATION.glob(name)), name
    number, _, title = text.splitlines()[0].removeprefix("# ").partition(". ")
    overview = (record.parent / "README.md").read_text()
    assert f"| [{number}]({record.name}) | {title} |" in overview
    assert record.name.startswith(f"{int(number):02}-")


def test_all_decisions_are_numbered() -> None:
    """One after the other, from the first."""
    numbers = [int(record.name[:2]) for record in RECORDS]
    assert numbers == list(range(1, len(RECORDS) + 1))
    assert len(RECORDS) >= 10


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_fence_is_indented(page: Path) -> None:
    """What is copied from a list would keep the spaces, and break a heredoc."""
    assert not re.findall(r"(?m)^[ \t]+(?:```|~~~).*$", page.read_text())


def shell_blocks() -> list[tuple[str, str]]:
    """Return the commands that the pages ask to paste, each with its page."""
    return [
        (str(page.relative_to(ROOT)), block)
        for page in PAGES
        for block in re.findall(r"(?ms)^```sh\n(.*?)^```$", page.read_text())
    ]


def test_there_are_commands_to_paste() -> None:
    """The set-up of an SFTP server is among them, with its heredoc."""
    heredocs = [page for page, block in shell_blocks() if "<<" in block]
    assert "docs/sftp-server.md" in heredocs


@pytest.mark.parametrize(("page", "block"), shell_blocks())
def test_commands_can_be_pasted(page: str, block: str) -> None:
    """Bash understands them and finds the end of each heredoc; no line is indented.

    A comment behind a command is none in zsh, and apt's question would swallow the
    lines that follow.
    """
    bash = shutil.which("bash")
    assert bash
    checked = subprocess.run(
        [bash, "-n"], input=block, capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stderr) == (0, ""), page
    for line in block.splitlines():
        assert line == line.strip(), page
        assert " #" not in line, page
        assert not re.search(r"apt(?:-get)? install (?!-y )", line), page


def test_the_table_of_gigabytes() -> None:
    """The FAQ's figures follow from its assumptions, by the formula below it."""
    page = (ROOT / "docs/faq.md").read_text()
    rows = [
        [float(re.sub(r" (?:s|Mbit/s|GB)$", "", cell)) for cell in row.split(" | ")[1:]]
        for row in re.findall(r"(?m)^\| ((?:quiet|usual|busy).*) \|$", page)
    ]
    assert len(rows) == 3
    for cameras, reviews, seconds, rate, stored, sent, month in rows:
        assert stored == round(cameras * reviews * seconds * rate / 8000, 1)
        assert sent == pytest.approx(2 * stored)
        assert month == pytest.approx(30 * stored)


def test_versions_of_frigate_that_are_tested() -> None:
    """The FAQ names those whose recorded sessions the tests play, and no others."""
    page = (ROOT / "docs/faq.md").read_text()
    section = page.split("## What is it tested with?\n")[1].split("\n## ")[0]
    recorded = (ROOT / "tests/fixtures/recorded").iterdir()
    versions = {path.name for path in recorded if path.is_dir()}
    assert set(re.findall(r"\d+\.\d+\.\d+", section)) == versions


@cache
def frontend_texts() -> dict[str, str]:
    """Return Home Assistant's own English words, of its menus among them."""
    folder = Path(hass_frontend.where()) / "static/translations"
    (everywhere,) = folder.glob("en-[0-9a-f]*.json")
    (of_settings,) = (folder / "config").glob("en-[0-9a-f]*.json")
    texts: dict[str, str] = {}
    for path in (everywhere, of_settings):
        texts.update(json.loads(path.read_text()))
    return texts


def menu_paths() -> set[str]:
    """Return every way through Home Assistant's menus that the pages or forms name."""
    english = INTEGRATION / "translations/en.json"
    return {
        " ".join(way.split())
        for page in (*PAGES, english)
        for way in re.findall(r"\*\*(Settings\s+>[^*]*)\*\*", page.read_text())
    }


def test_there_are_menu_paths() -> None:
    """The one to the actions was another before."""
    assert "Settings > Tools > Actions" in menu_paths()


@pytest.mark.parametrize("way", sorted(menu_paths()))
def test_menu_paths(way: str) -> None:
    """They are in the words of the Home Assistant that the tests use."""
    texts = frontend_texts()
    settings, section, *places = way.split(" > ")
    assert settings == texts["panel.config"]
    assert section in {
        text
        for key, text in texts.items()
        if re.fullmatch(r"ui\.panel\.config\.dashboard\.\w+\.main", key)
    }
    assert set(places) <= {*texts.values(), "Frigate Snap Sync"}


async def test_a_missing_folder_on_the_list_is_refused(
    hass: HomeAssistant, tmp_path: Path
) -> None:
    """Home Assistant takes none of its configuration then: hence "make it first"."""
    assert "**Make the folder first.**" in (ROOT / "docs/folders.md").read_text()
    there, missing = str(tmp_path), str(tmp_path / "missing")
    await async_process_ha_core_config(hass, {"allowlist_external_dirs": [there]})
    assert there in hass.config.allowlist_external_dirs
    with pytest.raises(vol.Invalid, match="not a directory"):
        await async_process_ha_core_config(hass, {"allowlist_external_dirs": [missing]})


def test_buttons_of_my_home_assistant() -> None:
    """They open this repository in HACS, and the set-up of this integration."""
    manifest = json.loads((INTEGRATION / "manifest.json").read_text())
    readme = (ROOT / "README.md").read_text()
    asked = {
        url.path: {key: value for key, (value,) in parse_qs(url.query).items()}
        for url in map(urlsplit, re.findall(r"\]\((https://my\.[^)]+)\)", readme))
        if url.path.startswith("/redirect/")
    }
    owner, repository = urlsplit(manifest["documentation"]).path.split("/")[1:]
    assert asked == {
        "/redirect/hacs_repository/": {
            "owner": owner,
            "repository": repository,
            "category": "integration",
        },
        "/redirect/config_flow_start/": {"domain": manifest["domain"]},
    }


def test_every_repair_leads_to_the_manual() -> None:
    """To a heading that there is, where more is said of it."""
    pages = {**PAGES_OF_DESTINATIONS, **{k: v.page for k, v in FRIGATE_ISSUES.items()}}
    assert set(pages) == {*Problem, *FRIGATE_ISSUES, SPACE_LOW, BUDGET_SPENT}
    assert not {key for key, page in pages.items() if not is_in_manual(manual(page))}


@pytest.mark.parametrize(
    ("url", "is_there"),
    [
        (f"{MANUAL}uploads.md#fire-drill", True),
        (f"{MANUAL}uploads.md#fire-drills", False),
        (f"{MANUAL}upload.md#fire-drill", False),
        (f"{MANUAL}uploads.md", False),
        ("https://example.org/docs/uploads.md#fire-drill", False),
        ("", False),
    ],
)
def test_addresses_of_the_manual(url: str, is_there: bool) -> None:
    """The check that all repairs of all tests go through."""
    assert is_in_manual(url) is is_there
