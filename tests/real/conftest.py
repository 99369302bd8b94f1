"""Fixtures for the tests of whole processes."""

import pytest


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Skip these tests, saying so, where the plugin that forbids sockets is loaded."""
    if config.pluginmanager.hasplugin("homeassistant"):
        reason = "real processes need a run of their own: pytest tests/real"
        for item in items:
            if "tests/real/" in item.path.as_posix():
                item.add_marker(pytest.mark.skip(reason))
