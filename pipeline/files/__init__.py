"""File formats in and out (images, PDF, CSV, YAML), atomic writes, and the sandbox for foreign files."""
