"""Custom components, for the tests and the type checker."""
