"""The bench: how fast it is, beside others, and what Home Assistant notices of it."""
