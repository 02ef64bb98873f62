"""Rules that are versioned data: deadlines, retention, benefit norm."""
