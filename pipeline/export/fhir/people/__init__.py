"""Who an entry is about, and who worked with it."""
