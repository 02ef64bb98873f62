"""By field kind."""
