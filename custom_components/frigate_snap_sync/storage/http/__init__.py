"""What destinations share that are reached over HTTP."""
