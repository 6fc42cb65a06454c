"""Examples of how to run Engawa, and what `make` needs to describe it."""
