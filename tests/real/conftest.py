"""Fixtures for the tests of whole processes."""

import pytest


def pytest_collection_modifyitems(config: pytest.Config) -> None:
    """Refuse a run in which the plugin that forbids sockets is loaded."""
    if config.pluginmanager.hasplugin("homeassistant"):
        raise pytest.UsageError(
            "Real processes need a run of their own: pytest tests/real or tests/e2e"
        )
