"""The demo: the whole thing at work, with no server of the user's own."""
