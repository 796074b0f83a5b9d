"""The self-test: which planted damage a model sees, from which severity on, and what it says of it."""
