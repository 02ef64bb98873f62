"""From paper written during an outage to confirmed entries in the care system."""

__version__ = "1.1.0"
