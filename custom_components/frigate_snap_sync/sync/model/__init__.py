"""What all parts of the engine speak of: frozen values, and pure decisions on them."""
