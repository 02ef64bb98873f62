"""Stage 4: one reader a field kind, listed in `reading/field_readers.py`."""
