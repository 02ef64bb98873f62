"""All paper of a unit."""
