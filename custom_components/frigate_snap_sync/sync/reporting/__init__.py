"""What Home Assistant shows of all that."""
