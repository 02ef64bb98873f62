"""Tables by mapping files."""
