"""The way of a user in a real browser, from the first click to the last."""
