"""What all parts of the engine use: tasks, logs of outages, private files."""
