"""One handwritten line."""
