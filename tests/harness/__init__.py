"""Real and simulated parts that tests run the integration against."""
