"""Fixtures for the walks in a browser."""

from ..real.conftest import pytest_collection_modifyitems

__all__ = ["pytest_collection_modifyitems"]
