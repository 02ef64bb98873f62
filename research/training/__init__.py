"""One folder a network."""
