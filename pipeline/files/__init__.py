"""File formats in and out (images, PDF, CSV, YAML), and atomic writes."""
