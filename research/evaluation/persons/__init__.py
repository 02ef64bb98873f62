"""Client matching on simulated registers."""
