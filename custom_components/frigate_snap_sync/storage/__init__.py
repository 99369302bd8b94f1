"""Where files go: one module per kind of destination, behind one interface."""
