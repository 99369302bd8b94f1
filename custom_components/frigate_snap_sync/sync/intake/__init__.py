"""What Frigate says, and what it is asked: from there into the ledger."""
