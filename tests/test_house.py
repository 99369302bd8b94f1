"""The house: which room may know which.

docs/architecture.md tells the same in words. A new module of the root gets a place
in FLOORS; a new module in a room needs nothing.
"""

import ast
from collections import Counter
from graphlib import TopologicalSorter
import sys

import pytest

from .source import (
    INTEGRATION,
    PACKAGE,
    ROOT,
    imported_modules,
    imports,
    module_name,
    modules,
    trees,
)

# From the ground up. A module imports from its own room and from floors below it;
# rooms of one floor do not know each other.
FLOORS: tuple[frozenset[str], ...] = (
    frozenset({"cause"}),
    frozenset({"frigate", "storage"}),
    frozenset({"sync"}),
    frozenset({"const"}),
    frozenset(
        {
            "clients",
            "devices",
            "drill_report",
            "kinds",
            "listeners",
            "markdown",
            "only_while",
            "path_template",
            "picture_files",
            "redaction",
            "words",
        }
    ),
    frozenset({"engine_setup", "gates", "owner_requests", "stored_files", "targets"}),
    frozenset({"media_ids"}),
    frozenset({"pacing", "upload_data"}),
    frozenset({"held_uploads"}),
    frozenset({"coordinator"}),
    frozenset({"actions", "activity", "entity", "issues"}),
    frozenset(
        {
            "backup",
            "binary_sensor",
            "button",
            "condition",
            "diagnostics",
            "event",
            "flows",
            "image",
            "logbook",
            "media_source",
            "media_view",
            "sensor",
            "services",
            "switch",
            "system_health",
            "trigger",
        },
    ),
    frozenset({"config_flow", "frigate_repairs"}),
    frozenset({"repairs"}),
    frozenset({""}),
)

# The same inside of a package: its packages and modules, from the ground up.
INNER_FLOORS: dict[str, tuple[frozenset[str], ...]] = {
    "sync": (
        frozenset({"model"}),
        frozenset({"support"}),
        frozenset({"ledger"}),
        frozenset({"spool", "monitoring", "opening", "pruner", "services"}),
        frozenset({"planning"}),
        frozenset({"intake", "fetching", "sending"}),
        frozenset({"drill", "live", "playback", "reporting"}),
        frozenset({"assembly"}),
        frozenset({"engine"}),
    ),
    "storage": (
        frozenset({"errors", "limits", "texts"}),
        frozenset({"growing"}),
        frozenset({"base", "jobs", "layout", "leftovers", "names", "reservations"}),
        frozenset({"read_back", "source"}),
        frozenset({"memory_source", "probe_files", "steps"}),
        frozenset({"login_limits"}),
        frozenset({"check", "wrappers"}),
        frozenset({"http"}),
        frozenset({"local", "s3", "sftp", "webdav"}),
    ),
}

MOST_LINES = 400
"""Of a module."""
MOST_PARAMETERS = 8
"""Of a constructor, `self` aside."""

# What a room may use besides the standard library.
LIBRARIES: dict[str, frozenset[str]] = {
    "frigate": frozenset({"aiohttp", "yarl"}),
    "storage": frozenset(
        {"aiohttp", "aiohttp_s3_client", "asyncssh", "cryptography", "yarl"}
    ),
    "sync": frozenset(),
}
HOME_ASSISTANT_LIBRARIES = frozenset(
    {"aiohttp", "homeassistant", "probatio", "voluptuous", "yaml", "yarl"}
)


def room(module: str) -> str:
    """Return the room of a module: a package of the root, or a module of it."""
    return module.partition(".")[0]


def imports_by_module() -> dict[str, set[str]]:
    """Return what each module of the integration imports of the others."""
    return {module_name(path): imported_modules(path, tree) for path, tree in trees()}


def test_every_module_has_its_floor() -> None:
    """No module outside of the house, and none counted twice."""
    placed = [name for floor in FLOORS for name in floor]
    assert sorted(placed) == sorted({room(module) for module in modules()})


def test_imports_run_downwards() -> None:
    """Own room or a floor below; never upwards, never next door."""
    height = {name: n for n, floor in enumerate(FLOORS) for name in floor}
    wrong = [
        f"{module} imports {target}"
        for module, targets in imports_by_module().items()
        for target in targets
        if room(target) != room(module) and height[room(target)] >= height[room(module)]
    ]
    assert not wrong


@pytest.mark.parametrize("package", INNER_FLOORS)
def test_imports_run_downwards_inside(package: str) -> None:
    """Also in a package that has floors of its own; each part of it is on one."""

    def part(module: str) -> str:
        return module.split(".")[1]

    def inside(module: str) -> bool:
        return module.startswith(f"{package}.")

    height = {
        name: n for n, floor in enumerate(INNER_FLOORS[package]) for name in floor
    }
    assert set(height) == {part(each) for each in modules() if inside(each)}
    wrong = [
        f"{module} imports {target}"
        for module, targets in imports_by_module().items()
        for target in targets
        if inside(module)
        and inside(target)
        and part(target) != part(module)
        and height[part(target)] > height[part(module)]
    ]
    assert not wrong


def test_no_module_is_long() -> None:
    """A longer one has more than one concern."""
    lines = {
        str(path.relative_to(INTEGRATION)): len(path.read_text().splitlines())
        for path, _ in trees()
    }
    assert not {name for name, count in lines.items() if count > MOST_LINES}


def test_no_constructor_takes_much() -> None:
    """Who needs more has more than one concern, or what belongs together is one value."""
    many = {
        f"{module_name(path)}.{cls.name}": count
        for path, tree in trees()
        for cls in ast.walk(tree)
        if isinstance(cls, ast.ClassDef)
        for function in cls.body
        if isinstance(function, ast.FunctionDef) and function.name == "__init__"
        for taken in [function.args]
        for count in [len([*taken.posonlyargs, *taken.args, *taken.kwonlyargs]) - 1]
        if count > MOST_PARAMETERS
    }
    assert not many


def test_no_import_runs_in_a_circle() -> None:
    """TopologicalSorter raises CycleError, which names the circle."""
    graph = {
        module: targets - {module} for module, targets in imports_by_module().items()
    }
    assert set(TopologicalSorter(graph).static_order()) == modules()


_DOORS = {"coordinator", "engine_setup", "owner_requests", "stored_files"}


def test_one_door_into_sync() -> None:
    """Work is started by the coordinator, and what it has for that, alone.

    What was brought somewhere is read through a door of its own.
    """
    behind = {
        target
        for module, targets in imports_by_module().items()
        if room(module) not in _DOORS | {"sync"}
        for target in targets
        if room(target) == "sync"
    }
    assert behind <= {"sync.model.status"}


def test_flows_try_out_frigate_and_storage_alone() -> None:
    """A form that is being filled in touches no running work."""
    known = {
        room(target)
        for module, targets in imports_by_module().items()
        if room(module) == "flows"
        for target in targets
    }
    assert not known & {"coordinator", "engine_setup", "entity", "sync"}


def test_libraries() -> None:
    """The pure rooms know nothing of Home Assistant; nobody brings in anything else."""
    wrong = [
        f"{module_name(path)} imports {name}"
        for path, tree in trees()
        for name in imports(path, tree)
        if not name.startswith(f"{PACKAGE}.")
        and (library := name.partition(".")[0]) not in sys.stdlib_module_names
        and library
        not in LIBRARIES.get(room(module_name(path)), HOME_ASSISTANT_LIBRARIES)
    ]
    assert not wrong


def test_other_integrations_by_their_front_door() -> None:
    """Of another integration only what its root package offers."""
    wrong = [
        f"{module_name(path)} imports from {node.module}"
        for path, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        and (node.module or "").startswith("homeassistant.components.")
        and (node.module or "").count(".") > 2
    ]
    assert not wrong


def test_sessions_are_home_assistants() -> None:
    """Nobody makes a web session; the frigate room is handed one."""
    makers = [
        path.name
        for path in INTEGRATION.rglob("*.py")
        if "ClientSession(" in path.read_text()
    ]
    assert not makers


@pytest.mark.parametrize(
    ("place", "code", "expected"),
    [
        ("storage/check.py", "from .base import Destination", "storage.base"),
        ("storage/check.py", "from . import base", "storage.base"),
        ("storage/check.py", "from ..frigate.models import Review", "frigate.models"),
        ("storage/check.py", "from .. import const", "const"),
        ("sync/ledger/__init__.py", "from ..pruner import Pruner", "sync.pruner"),
        ("sensor.py", "def f():\n    from .entity import X", "entity"),
        ("sensor.py", "from . import async_setup_entry", ""),
        ("sensor.py", f"import {PACKAGE}.sync.pruner", "sync.pruner"),
    ],
)
def test_imports_are_read_right(place: str, code: str, expected: str) -> None:
    """The reading that the tests above stand on."""
    assert imported_modules(INTEGRATION / place, ast.parse(code)) == {expected}


# Tests hand in clocks, limits and fakes. What is still patched, by the folder of the
# tests: these numbers only fall.
MOST_PATCHES: dict[str, int] = {".": 24, "storage": 28, "sync": 9}

# Modules that patch what can't be handed in, and what that is. They don't count.
PATCHING: dict[str, str] = {
    "conftest.py": "Home Assistant's flow manager and repairs, and the engine it starts",
    "storage/places.py": "the system's write, for a disk that breaks",
    "test_entities.py": "Home Assistant's rule of which entities it enables",
    "waiting.py": "the thread pool, to see that it is at rest",
}


def patches(tree: ast.AST) -> int:
    """Return how many times a test module patches something."""
    names = {"monkeypatch.setattr", "patch", "patch.object", "mock.patch", "patch.dict"}
    return sum(
        isinstance(node, ast.Call) and ast.unparse(node.func) in names
        for node in ast.walk(tree)
    )


def test_tests_patch_ever_less() -> None:
    """A test that patches a module breaks when something moves."""
    tests = ROOT / "tests"
    found: Counter[str] = Counter()
    idle = set(PATCHING)
    for path in tests.rglob("*.py"):
        name = path.relative_to(tests)
        if not (count := patches(ast.parse(path.read_text()))):
            continue
        if name.as_posix() in PATCHING:
            idle.remove(name.as_posix())
        else:
            found[name.parts[0] if len(name.parts) > 1 else "."] += count
    assert found <= Counter(MOST_PATCHES)
    assert not idle


def test_patches_are_seen() -> None:
    """The counting that the test above stands on."""
    code = (
        "patch('a.b')\nmonkeypatch.setattr(a, 'b', 1)\nwith patch.object(a, 'b'): x()"
    )
    assert patches(ast.parse(code)) == 3
    assert not patches(ast.parse("monkeypatch.setenv('a', 'b')\nsetattr(a, 'b', 1)"))
