"""The spool: where media wait on Home Assistant's disk."""
