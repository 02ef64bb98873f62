"""CSV by mapping files."""
