"""The house: which room may know which.

docs/architecture.md tells the same in words. A new module of the root gets a place
in FLOORS; a new module in a room needs nothing.
"""

import ast
from collections.abc import Collection
from graphlib import TopologicalSorter
import re
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
    frozenset({"cause", "changes", "private_files"}),
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
            "start_repair",
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
        frozenset({"spool", "monitoring", "pruner", "services", "startup"}),
        frozenset({"planning"}),
        frozenset({"intake", "fetching", "sending"}),
        frozenset({"drill", "live", "playback", "reporting"}),
        frozenset({"assembly"}),
        frozenset({"engine"}),
    ),
    "storage": (
        frozenset({"errors", "limits", "outlasting", "texts"}),
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


# Tests hand in clocks, limits and fakes. None patches what is ours. Where a test needs
# Home Assistant, a library or the system to behave oddly, there is no other way: how
# often, and for what. These numbers only fall.
PATCHES: dict[str, tuple[int, str]] = {
    "conftest.py": (3, "Home Assistant's flow manager, repairs and timers"),
    "storage/places.py": (1, "the system's write, for a disk that breaks"),
    "storage/test_local.py": (6, "the system's disk, for one that refuses or hangs"),
    "storage/test_local_mounts.py": (3, "the system's mounts and disks, for odd ones"),
    "storage/test_mounts.py": (3, "the system's links and disks"),
    "storage/test_sftp.py": (1, "the system's read, for a disk that breaks"),
    "storage/test_sftp_login.py": (1, "asyncssh, to count how often a key is read"),
    "storage/test_source.py": (6, "the system's files, for disks that break or hang"),
    "sync/test_clock_monitor.py": (1, "the machine's clock, which is set"),
    "sync/test_ledger_opening.py": (3, "the system's disk, and how long SQLite waits"),
    "sync/test_restore.py": (
        3,
        "the system's disk: full, or in which order it is used",
    ),
    "sync/test_spool.py": (2, "the system's disk: in which order it is used"),
    "test_blueprints.py": (1, "Home Assistant's configuration file"),
    "test_entities.py": (1, "Home Assistant's rule of which entities it enables"),
    "test_init.py": (1, "Home Assistant's unload, which takes its time"),
    "test_local_disk_flow.py": (2, "the system's mounts, and its disk, which refuses"),
    "test_repairs.py": (1, "Home Assistant's unload, which fails"),
    "waiting.py": (1, "the thread pool, to see that it is at rest"),
}


def patches(tree: ast.AST) -> list[str]:
    """Return what a test module patches."""
    names = {"monkeypatch.setattr", "patch", "patch.object", "mock.patch", "patch.dict"}
    return [
        ast.unparse(node.args[0])
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in names
    ]


def ours(tree: ast.AST) -> set[str]:
    """Return the names of a test module that stand for something of the integration."""
    imported = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and PACKAGE in (node.module or "")
        for alias in node.names
    }
    named = {
        ast.unparse(target)
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and PACKAGE in ast.unparse(node.value)
        for target in node.targets
    }
    return imported | named


def is_ours(target: str, names: Collection[str]) -> bool:
    """Tell whether a patch is one of the integration."""
    return PACKAGE in target or not set(re.findall(r"\w+", target)).isdisjoint(names)


def test_nothing_is_shielded() -> None:
    """It would log what fails after its waiter was cancelled: see `outlast`."""
    code = {path: path.read_text() for path in INTEGRATION.rglob("*.py")}
    assert [path for path, text in code.items() if "asyncio.shield(" in text] == []


def test_tests_patch_only_what_they_must() -> None:
    """A test that patches a module breaks when something moves."""
    tests = ROOT / "tests"
    found: dict[str, int] = {}
    wrong: list[str] = []
    for path in tests.rglob("*.py"):
        tree, name = ast.parse(path.read_text()), path.relative_to(tests).as_posix()
        if targets := patches(tree):
            found[name] = len(targets)
            wrong += [
                f"{name}: {each}" for each in targets if is_ours(each, ours(tree))
            ]
    assert found == {name: most for name, (most, _) in PATCHES.items()}
    assert not wrong


def test_patches_are_seen() -> None:
    """The counting that the test above stands on."""
    code = (
        "patch('a.b')\nmonkeypatch.setattr(a, 'b', 1)\nwith patch.object(a, 'b'): x()"
    )
    assert patches(ast.parse(code)) == ["'a.b'", "a", "a"]
    assert not patches(ast.parse("monkeypatch.setenv('a', 'b')\nsetattr(a, 'b', 1)"))


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("os", False),
        ("Path", False),
        ("hass.config_entries", False),
        ("files", True),
        ("files.LocalFolder", True),
        ("Short", True),
        (f"'{PACKAGE}.repairs.fetch'", True),
        ("f'{FLOWS}.fetch'", True),
    ],
)
def test_what_is_ours(target: str, expected: bool) -> None:
    """By where its name comes from."""
    code = (
        "import os\nfrom pathlib import Path\n"
        f"from {PACKAGE}.storage.local import files\n"
        f"from {PACKAGE} import kinds as Short\n"
        f"FLOWS = '{PACKAGE}.flows'"
    )
    assert is_ours(target, ours(ast.parse(code))) is expected
