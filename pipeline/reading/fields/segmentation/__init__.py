"""An area of writing becomes lines."""
