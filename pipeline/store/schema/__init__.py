"""All tables, by topic, and the types and moments that they hold."""
