"""Kill every stage of the work at random moments, and count what was lost or doubled."""
