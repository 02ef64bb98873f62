"""The screen Reservpaket: packs of forms for an outage."""
