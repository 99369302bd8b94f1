"""The quality scale that the integration claims is complete, and true.

`pytest -rP tests/test_quality_scale.py -k list` prints all rules.
"""

import ast
from functools import cache
import sys
import tomllib
from typing import Any

import pytest

from homeassistant.const import BASE_PLATFORMS
from homeassistant.util.yaml import load_yaml_dict

from .pages import anchors
from .quality_rules import TIERS
from .source import INTEGRATION, ROOT, methods, names_of_tests, string_literals, trees

HELD_BY = {rule: held for rules in TIERS.values() for rule, held in rules.items()}


@cache
def quality_scale() -> dict[str, Any]:
    """Return the rules of quality_scale.yaml."""
    rules: dict[str, Any] = load_yaml_dict(str(INTEGRATION / "quality_scale.yaml"))[
        "rules"
    ]
    return rules


def status(rule: str) -> str:
    """Return what the file says of a rule."""
    value = quality_scale()[rule]
    return str(value["status"] if isinstance(value, dict) else value)


def holds(proof: str) -> bool:
    """Tell whether there is such a test, section or line of a script."""
    if "::" in proof:
        path, _, name = proof.partition("::")
        return name in names_of_tests(path)
    if "#" in proof:
        path, _, anchor = proof.partition("#")
        return anchor in anchors((ROOT / path).read_text())
    path, _, text = proof.partition(": ")
    return text in (ROOT / path).read_text()


def test_the_list_of_all_rules() -> None:
    """54 rules, each done or exempt, and an exemption says why."""
    assert len(HELD_BY) == 54
    assert sorted(quality_scale()) == sorted(HELD_BY)
    for tier, rules in TIERS.items():
        for rule in rules:
            sys.stdout.write(f"{tier:9} {rule:31} {status(rule)}\n")
            assert status(rule) in {"done", "exempt"}, rule
            if status(rule) == "exempt":
                assert quality_scale()[rule].get("comment", "").strip(), rule


@pytest.mark.parametrize("rule", sorted(HELD_BY))
def test_each_rule_is_held(rule: str) -> None:
    """By something that there is, unless it is exempt: then nothing can hold it."""
    assert bool(HELD_BY[rule]) == (status(rule) == "done")
    assert not [proof for proof in HELD_BY[rule] if not holds(proof)]


def test_what_holds_is_looked_up() -> None:
    """A test, a section or a text that is not there holds nothing."""
    assert holds("tests/test_quality_scale.py::test_the_list_of_all_rules")
    assert not holds("tests/test_quality_scale.py::test_of_nothing")
    assert holds("README.md#install")
    assert not holds("README.md#nowhere")
    assert not holds("script/lint: a program that is not run")


def test_what_files_show() -> None:
    """What files and code can show for a rule, they show."""
    functions = methods()
    platforms = {str(p) for p in BASE_PLATFORMS} & {
        path.stem for path in INTEGRATION.glob("*.py")
    }
    assert platforms
    manifest = (INTEGRATION / "manifest.json").read_text()
    mypy = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]
    attributes = {
        node.attr
        for _, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
    }
    shown = {
        "action-setup": "async_setup" in functions,
        "brands": (INTEGRATION / "brand/icon.png").is_file(),
        "common-modules": all(
            (INTEGRATION / name).is_file() for name in ("coordinator.py", "entity.py")
        ),
        "diagnostics": (INTEGRATION / "diagnostics.py").is_file(),
        "discovery": '"mqtt": [' in manifest and "async_step_mqtt" in functions,
        "icon-translations": (INTEGRATION / "icons.json").is_file(),
        "integration-owner": '"codeowners": ["@' in manifest,
        "parallel-updates": all(
            "\nPARALLEL_UPDATES = " in (INTEGRATION / f"{platform}.py").read_text()
            for platform in platforms
        ),
        "reauthentication-flow": "async_step_reauth" in functions,
        "reconfiguration-flow": "async_step_reconfigure" in functions,
        "repair-issues": (INTEGRATION / "repairs.py").is_file(),
        "runtime-data": "runtime_data" in attributes,
        "strict-typing": (INTEGRATION / "py.typed").is_file() and mypy["strict"],
    }
    assert {rule for rule in shown if status(rule) == "done"} <= {
        rule for rule, ok in shown.items() if ok
    }


def test_home_assistant_polls_nothing() -> None:
    """It has no interval to choose, and entities hear of changes."""
    names = {
        name
        for _, tree in trees()
        for node in ast.walk(tree)
        for name in (
            getattr(node, "id", None),
            getattr(node, "arg", None),
            getattr(node, "attr", None),
        )
    }
    assert not names & {"SCAN_INTERVAL", "update_interval", "CONF_SCAN_INTERVAL"}
    assert "scan_interval" not in string_literals()


@pytest.mark.parametrize(
    ("described", "page"),
    [
        ("services.yaml", "docs/actions.md"),
        ("triggers.yaml", "docs/automations.md"),
        ("conditions.yaml", "docs/automations.md"),
    ],
)
def test_what_automations_use_is_explained(described: str, page: str) -> None:
    """Each action, trigger and condition, with all of its fields, on its page."""
    text = (ROOT / page).read_text()
    entries = load_yaml_dict(str(INTEGRATION / described))
    names = {
        name
        for entry, content in entries.items()
        if not entry.startswith(".")
        for name in (entry, *content["fields"])
    }
    assert names
    assert not {
        name
        for name in names
        if f"`{name}`" not in text
        and not (f"`frigate_snap_sync.{name}`" in text or f"## {name}" in text)
    }
