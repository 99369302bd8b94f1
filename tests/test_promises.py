"""The list of promises (docs/promises.md) is whole, and names tests that there are."""

import re

import pytest

from .source import ROOT, names_of_tests

PROMISES = (ROOT / "docs" / "promises.md").read_text()
SECTIONS = re.split(r"(?m)^## (?=\d)", PROMISES)[1:]


def named(section: str) -> list[str]:
    """Return what a section lists."""
    return re.findall(r"(?m)^- `(.*)`$", section)


def test_the_ten_promises() -> None:
    """Each is there, in order, and has tests; none is listed twice under one."""
    numbers = [section.partition(".")[0] for section in SECTIONS]
    assert numbers == [str(number) for number in range(1, 11)]
    for section in SECTIONS:
        tests = named(section)
        assert len(tests) >= 3
        assert len(tests) == len(set(tests))


@pytest.mark.parametrize(
    "name", sorted({name for section in SECTIONS for name in named(section)})
)
def test_each_test_exists(name: str) -> None:
    """In a file that pytest collects, under that very name."""
    path, _, test = name.partition("::")
    assert re.fullmatch(r"tests/(\w+/)*test_\w+\.py", path)
    assert test in names_of_tests(path)


def test_nothing_else_is_listed() -> None:
    """No line looks like a test and is none, so that it is checked, too."""
    lines = re.findall(r"(?m)^\s*[-*] .*$", PROMISES)
    assert len(lines) == sum(len(named(section)) for section in SECTIONS)


def test_it_can_be_found() -> None:
    """The README and the notes for contributors lead there."""
    for path in ("README.md", "CONTRIBUTING.md", "docs/architecture.md"):
        assert "promises.md" in (ROOT / path).read_text(), path
