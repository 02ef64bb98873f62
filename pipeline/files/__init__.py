"""File formats in and out (images, PDF, CSV, YAML), atomic writes, gettext catalogues."""
