"""Chaos: faults made on purpose on real parts, and what became of every item."""
