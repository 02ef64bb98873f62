"""Stage 3: what a field reader cannot see; one entry in PAGE_CHECKS each."""
