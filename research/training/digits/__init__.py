"""Train the digit networks."""
