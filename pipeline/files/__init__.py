"""File formats in and out (images, PDF, CSV, YAML), atomic writes, a sandbox for foreign files."""
