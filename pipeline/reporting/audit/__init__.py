"""Following up the log."""
