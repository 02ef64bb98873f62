"""RIVTA contracts."""
