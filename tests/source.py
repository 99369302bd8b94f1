"""The integration's source code, as the tests that judge it read it."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
INTEGRATION = ROOT / "custom_components" / "frigate_snap_sync"
PACKAGE = "custom_components.frigate_snap_sync"


@cache
def trees() -> tuple[tuple[Path, ast.Module], ...]:
    """Return every module of the integration, parsed."""
    return tuple(
        (path, ast.parse(path.read_text(), str(path)))
        for path in sorted(INTEGRATION.rglob("*.py"))
    )


def module_name(path: Path) -> str:
    """Return a module's name inside the integration; the root package is ""."""
    parts = path.relative_to(INTEGRATION).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def modules() -> frozenset[str]:
    """Return the names of all modules and packages of the integration."""
    return frozenset(module_name(path) for path, _ in trees())


def imports(path: Path, tree: ast.Module) -> Iterator[str]:
    """Yield the full name of everything that a module imports, wherever it does.

    Of "from x import y" that is x.y. The integration's own start with PACKAGE.
    """
    package = [PACKAGE, *path.relative_to(INTEGRATION).parent.parts]
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=module, names=names, level=level):
                base = [*package[: len(package) + 1 - level]] if level else []
                source = ".".join([*base, *([module] if module else [])])
                yield from (f"{source}.{alias.name}" for alias in names)


def imported_modules(path: Path, tree: ast.Module) -> set[str]:
    """Return the integration's own modules that a module imports."""
    found = set()
    for name in imports(path, tree):
        if name == PACKAGE or name.startswith(f"{PACKAGE}."):
            inner = name.removeprefix(PACKAGE).lstrip(".")
            # Either a module itself, or something in one.
            found.add(inner if inner in modules() else inner.rpartition(".")[0])
    return found


def string_literals(*folders: str) -> frozenset[str]:
    """Return every string literal of the integration, or of some of its modules."""
    return frozenset(
        node.value
        for path, tree in trees()
        if not folders or module_name(path).split(".")[0] in folders
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def methods() -> frozenset[str]:
    """Return the names of all functions and methods."""
    return frozenset(
        node.name
        for _, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


@cache
def names_of_tests(path: str) -> frozenset[str]:
    """Return the tests of a file, as pytest would collect them."""
    tree = ast.parse((ROOT / path).read_text())
    return frozenset(
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
    )
