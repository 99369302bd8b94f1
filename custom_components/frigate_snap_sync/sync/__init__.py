"""What gets done: which items are wanted where, and how they get there."""
