"""Programs of the system that real-process tests need."""

import os
import shutil

import pytest

SYSTEM_PATH = "/usr/local/sbin:/usr/sbin:/sbin"
"""Folders of servers, which a plain user's own path may lack."""


def require_program(name: str, package: str) -> str:
    """Return the full path of a program.

    Without it the test is skipped, with a line that says which Debian package to
    install; where the environment has CI set, it fails.
    """
    path = f"{os.environ.get('PATH', os.defpath)}:{SYSTEM_PATH}"
    if found := shutil.which(name, path=path):
        return found
    missing = f"{name} is missing: install the package {package}"
    if os.environ.get("CI"):
        pytest.fail(missing)
    pytest.skip(missing)
