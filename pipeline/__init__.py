"""From paper written during an outage to confirmed entries in the care system."""

__version__ = "0.1.0"
