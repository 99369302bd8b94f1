"""The repository as Home Assistant, HACS and a newcomer need it.

hassfest and the HACS action run only on GitHub; this holds their rules here too.
"""

from collections.abc import Iterator
import json
import os
from pathlib import Path
import re
import runpy
import shutil
import struct
import subprocess
from typing import Any
import zipfile

from awesomeversion import AwesomeVersion, AwesomeVersionStrategy
import pytest

from homeassistant.const import BASE_PLATFORMS
from homeassistant.util.yaml import load_yaml_dict

from .quality_rules import TIERS
from .source import INTEGRATION, ROOT, imports, trees

# Keys that hassfest accepts in the manifest of a custom integration.
MANIFEST_KEYS = {
    "domain", "name", "after_dependencies", "bluetooth", "codeowners", "config_flow",
    "dependencies", "dhcp", "disabled", "documentation", "homekit", "import_executor",
    "integration_type", "iot_class", "issue_tracker", "loggers", "mqtt",
    "quality_scale", "requirements", "single_config_entry", "ssdp", "usb", "version",
    "zeroconf",
}  # fmt: skip

# Integrations that are always there, so nobody lists them as a dependency.
ALWAYS_THERE = {
    "diagnostics",
    "homeassistant",
    "media_source",
    "repairs",
    "system_health",
}

# Texts that belong to one machine or to one time, put together here so that this
# file does not hold them itself.
FORBIDDEN = {
    "a path of one machine": re.compile(
        r"(?<![\w.$}])/(?:"
        + "|".join(("work", "ro" + "ot", "farm", "ho" + "me"))
        + r")/"
    ),
    "a package registry": re.compile(
        "|".join(
            ("py" + r"pi\.org", "pythonho" + "sted", "index" + "-url", "py" + "env")
        )
    ),
    "unfinished work": re.compile(r"\b(?:TO" + "DO|FIX" + r"ME|XX" + r"X)\b"),
}


def manifest() -> dict[str, Any]:
    """Return the integration's manifest."""
    loaded: dict[str, Any] = json.loads((INTEGRATION / "manifest.json").read_text())
    return loaded


def project_files() -> Iterator[Path]:
    """Yield the files that are, or would be, in version control."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for name in filter(None, listing.split("\0")):
        if (path := ROOT / name).is_file():
            yield path


def test_manifest_keys_and_their_order() -> None:
    """Known keys only: domain, name, then the alphabet."""
    keys = list(manifest())
    assert set(keys) <= MANIFEST_KEYS
    assert keys == ["domain", "name", *sorted(set(keys) - {"domain", "name"})]


def test_manifest_values() -> None:
    """The values that hassfest and HACS judge."""
    data = manifest()
    assert data["domain"] == INTEGRATION.name
    assert data["codeowners"]
    assert all(owner.startswith("@") for owner in data["codeowners"])
    assert data["config_flow"] is True
    assert (INTEGRATION / "config_flow.py").is_file()
    assert data["integration_type"] in {"hub", "service"}
    assert data["iot_class"] == "local_push"
    for key in ("documentation", "issue_tracker"):
        assert data[key].startswith("https://")
        assert "www.home-assistant.io" not in data[key]
    assert AwesomeVersion(data["version"]).strategy in {
        AwesomeVersionStrategy.SEMVER,
        AwesomeVersionStrategy.CALVER,
    }
    # Home Assistant reads a custom integration's scale as "custom", whatever it says.
    assert "quality_scale" not in data or data["quality_scale"] in TIERS


def test_manifest_requirements_meet_home_assistants_own() -> None:
    """A floor, not a pin: an exact other pin would make two integrations fight."""
    pins = dict(
        line.split("==", 1)
        for line in (ROOT / "requirements_dev.txt").read_text().splitlines()
    )
    for requirement in manifest()["requirements"]:
        name, floor = requirement.split(">=")
        assert AwesomeVersion(pins[name]) >= AwesomeVersion(floor)


def test_used_integrations_are_declared() -> None:
    """What is imported of other integrations is a dependency or always there."""
    data = manifest()
    declared = {*data.get("dependencies", ()), *data.get("after_dependencies", ())}
    used = {
        name.split(".")[2]
        for path, tree in trees()
        for name in imports(path, tree)
        if name.startswith("homeassistant.components.")
        # Who reads a platform module is there.
        and name.split(".")[2] != path.stem
    }
    assert used <= declared | ALWAYS_THERE | {str(p) for p in BASE_PLATFORMS}
    assert set(data["dependencies"]) <= used


def test_hacs() -> None:
    """HACS's schema is closed, and its floor is a release that our tests cover."""
    data = json.loads((ROOT / "hacs.json").read_text())
    assert set(data) <= {
        "content_in_root",
        "country",
        "filename",
        "hacs",
        "hide_default_branch",
        "homeassistant",
        "name",
        "persistent_directory",
        "zip_release",
    }
    assert data["name"] == manifest()["name"]
    tested = re.search(
        r"^homeassistant==(\S+)$",
        (ROOT / "requirements_dev.txt").read_text(),
        re.MULTILINE,
    )
    assert tested
    assert AwesomeVersion(data["homeassistant"]) <= AwesomeVersion(tested[1])
    assert (ROOT / "README.md").is_file()


RELEASE = runpy.run_path(str(ROOT / "script/release.py"))


def workflows() -> dict[str, dict[str, Any]]:
    """Return GitHub's workflows, by the names of their files."""
    folder = ROOT / ".github/workflows"
    return {path.name: load_yaml_dict(str(path)) for path in folder.glob("*.yml")}


def test_release(tmp_path: Path) -> None:
    """The zip that the workflow uploads is the one that HACS asks for, and whole."""
    hacs = json.loads((ROOT / "hacs.json").read_text())
    filename = f"{manifest()['domain']}.zip"
    assert hacs["zip_release"] is True
    assert hacs["filename"] == filename
    job = workflows()["release.yml"]["jobs"]["release"]
    commands = [step.get("run", "") for step in job["steps"]]
    assert any(f"dist/{filename} " in command for command in commands)
    assert any("script/release.py" in command for command in commands)
    assert set(job["needs"]) == {"lint", "test", "validate"}

    assert RELEASE["main"]("0.0.0", str(tmp_path)) == 1
    assert not list(tmp_path.iterdir())
    RELEASE["build_zip"](tmp_path / filename)
    with zipfile.ZipFile(tmp_path / filename) as archive:
        names = set(archive.namelist())
        assert json.loads(archive.read("manifest.json")) == manifest()
    assert names == {
        path.relative_to(INTEGRATION).as_posix()
        for path in project_files()
        if path.is_relative_to(INTEGRATION)
    }


def test_release_notes() -> None:
    """A version's own section of the changelog, and no other's."""
    changelog = (
        "# Changelog\n\n## Unreleased\n\n- soon\n\n"
        "## 1.10.0 (2026-12-24)\n\n### Added\n\n- ten\n\n"
        "## 1.1.0\n\n- one\n"
    )
    assert RELEASE["notes_of"](changelog, "1.10.0") == "### Added\n\n- ten"
    assert RELEASE["notes_of"](changelog, "1.1.0") == "- one"
    assert not RELEASE["notes_of"](changelog, "1.1")
    assert not RELEASE["notes_of"](changelog, "1x1.0")


def test_workflows_are_careful() -> None:
    """No right by default, every action of others pinned, no credentials left."""
    for name, workflow in workflows().items():
        assert workflow["permissions"] == {}, name
        assert "concurrency" in workflow, name
        for job in workflow["jobs"].values():
            assert "uses" in job or "timeout-minutes" in job, name
            for step in job.get("steps", ()):
                if uses := step.get("uses"):
                    assert re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}", uses), uses
                    if uses.startswith("actions/checkout@"):
                        assert step["with"]["persist-credentials"] is False, name


def test_called_workflows_do_not_cancel_each_other() -> None:
    """Inside a called workflow the name is the caller's, so each has its own group."""
    groups = [each["concurrency"]["group"] for each in workflows().values()]
    assert len(set(groups)) == len(groups)
    assert not [group for group in groups if "github.workflow" in group]


def test_issue_forms() -> None:
    """GitHub ignores a form that is not well formed, without a word."""
    folder = ROOT / ".github/ISSUE_TEMPLATE"
    forms = {
        path.stem: load_yaml_dict(str(path))
        for path in folder.glob("*.yml")
        if path.stem != "config"
    }
    assert set(forms) == {"bug", "feature", "destination"}
    for form in forms.values():
        assert set(form) <= {"name", "description", "labels", "body"}
        fields = [part for part in form["body"] if part["type"] != "markdown"]
        ids = [field["id"] for field in fields]
        assert len(set(ids)) == len(ids)
        assert all(re.fullmatch(r"[\w-]+", each) for each in ids)
        assert all(field["attributes"]["label"] for field in fields)
        # A word that GitHub keeps for itself
        for field in fields:
            assert "None" not in field["attributes"].get("options", ())
    required = {
        field["id"]
        for field in forms["bug"]["body"]
        if field.get("validations", {}).get("required")
    }
    assert required >= {"diagnostics", "log", "frigate", "home-assistant"}


def test_what_a_community_expects() -> None:
    """The files that GitHub shows to who wants to report, help or attack."""
    for name in (
        *("SECURITY.md", "CODE_OF_CONDUCT.md", "CONTRIBUTING.md", "CHANGELOG.md"),
        *(".github/PULL_REQUEST_TEMPLATE.md", ".pre-commit-config.yaml"),
    ):
        assert (ROOT / name).read_text().strip(), name
    assert json.loads((ROOT / ".devcontainer/devcontainer.json").read_text())["image"]


def test_license() -> None:
    """The whole text of the GNU General Public License, version 3."""
    text = (ROOT / "LICENSE").read_text()
    assert "GNU GENERAL PUBLIC LICENSE\n                       Version 3" in text
    assert "END OF TERMS AND CONDITIONS" in text


@pytest.mark.parametrize(("name", "size"), [("icon.png", 256), ("icon@2x.png", 512)])
def test_brand(name: str, size: int) -> None:
    """Icons of the sizes that Home Assistant serves."""
    head = (INTEGRATION / "brand" / name).read_bytes()[:24]
    assert head.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", head[16:24]) == (size, size)


def test_services_are_described() -> None:
    """Whoever registers actions describes them, and nobody describes what is not."""
    registers = any(
        "async_register_admin_service" in text or "services.async_register(" in text
        for text in (path.read_text() for path in INTEGRATION.rglob("*.py"))
    )
    english = json.loads((INTEGRATION / "translations/en.json").read_text())
    assert (INTEGRATION / "services.yaml").is_file() == registers
    assert ("services" in english) == registers


@pytest.mark.parametrize("name", ["dev", "latest"])
def test_pins_are_compiled(name: str) -> None:
    """Each wish has its pin, and a pin is a name and a version and nothing more."""
    pins = (ROOT / f"requirements_{name}.txt").read_text().splitlines()
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9][\w.!+]*", pin) for pin in pins)
    wishes = [
        line
        for line in (ROOT / f"requirements_{name}.in").read_text().splitlines()
        if line and not line.startswith("#")
    ]
    assert wishes
    for wish in wishes:
        assert any(pin == wish or pin.startswith(f"{wish}==") for pin in pins), wish


def test_scripts_run() -> None:
    """Scripts are executable, and bash agrees with their grammar."""
    bash = shutil.which("bash")
    assert bash
    for name in (
        *("setup", "lint", "test", "demo", "chaos", "bench"),
        *("latest", "pin", "debian-python"),
    ):
        assert os.access(ROOT / "script" / name, os.X_OK), name
    for path in (ROOT / ".ci/run", *(ROOT / "script").iterdir()):
        if path.is_file() and path.read_bytes().startswith(b"#!/usr/bin/env bash"):
            assert os.access(path, os.X_OK), path
            subprocess.run([bash, "-n", path], check=True)


def test_nothing_of_one_machine_or_one_time() -> None:
    """No machine's path, no registry, nothing that asks to be finished."""
    found = [
        f"{path.relative_to(ROOT)}:{number}: {what}"
        for path in project_files()
        if "fixtures" not in path.parts and path.name != "LICENSE"
        for number, line in enumerate(
            path.read_text(errors="ignore").splitlines()
            if path.suffix not in {".png", ".jpg", ".mp4"}
            else (),
            1,
        )
        for what, pattern in FORBIDDEN.items()
        if pattern.search(line)
    ]
    assert not found
