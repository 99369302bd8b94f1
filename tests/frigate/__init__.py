"""Tests of the room that listens to Frigate."""
