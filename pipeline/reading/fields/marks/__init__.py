"""Check boxes."""
