"""Stage 2: the page aligned to its form, with a residual in mm."""
