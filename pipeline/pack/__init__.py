"""The outage pack (reservpaket): all the paper that a unit needs, printed before the systems are down."""
