"""Before an outage: making forms, packing paper, practising."""
