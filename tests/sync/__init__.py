"""Tests of the work: policy, names, ledger, engine."""
