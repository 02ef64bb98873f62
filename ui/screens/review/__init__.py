"""The screen Granska: reviewing entries."""
