"""Stage 4: one reader a field kind, one registry."""
