"""Sheets that are exported become packages for an archive: PDF/A with a text layer, the scans as they came, metadata, checksums."""
