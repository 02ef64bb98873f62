"""Train the network of check boxes."""
