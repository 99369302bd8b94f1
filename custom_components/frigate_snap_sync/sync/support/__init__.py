"""What all parts of the engine use: tasks, logs of outages, jobs of the ledger."""
