"""Tests with real processes: Home Assistant, Mosquitto, OpenSSH."""
