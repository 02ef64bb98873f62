"""An outline becomes boxes on A4."""
