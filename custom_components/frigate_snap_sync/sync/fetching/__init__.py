"""From Frigate into the spool."""
