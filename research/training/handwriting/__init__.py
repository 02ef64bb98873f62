"""Train the handwriting network."""
