"""Train the network of struck-out words."""
