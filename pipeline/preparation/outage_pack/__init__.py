"""The outage pack: all paper that a unit needs while its systems are down."""
