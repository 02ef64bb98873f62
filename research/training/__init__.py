"""Train the networks: one folder per network."""
