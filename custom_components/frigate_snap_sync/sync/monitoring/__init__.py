"""What is known of Frigate, and of the clock."""
