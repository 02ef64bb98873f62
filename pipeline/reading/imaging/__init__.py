"""Image helpers that every stage shares."""
