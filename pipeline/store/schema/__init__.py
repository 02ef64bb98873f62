"""All tables, by topic."""
