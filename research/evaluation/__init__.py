"""How well pages are read, by measurement on held-out data."""
