"""Playing what lies at the destinations: which copy, and how it is read."""
