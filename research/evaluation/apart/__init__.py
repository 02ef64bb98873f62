"""Pages filled in by code that shares nothing with what the readers were trained on."""
