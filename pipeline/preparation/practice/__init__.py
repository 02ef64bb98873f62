"""An invented filled sheet."""
