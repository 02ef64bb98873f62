"""A simulated week of review."""
