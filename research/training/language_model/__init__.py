"""Build and tune the language model."""
