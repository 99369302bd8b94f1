"""The steps that ask the owner for settings, one module per kind."""
