"""Who gets an item, under which name, and which files that takes."""
