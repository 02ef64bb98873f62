"""Stage 1: which form, page and serial."""
