"""Tests of Frigate Snap Sync."""
