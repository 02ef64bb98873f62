"""Pain.001 and its approval."""
