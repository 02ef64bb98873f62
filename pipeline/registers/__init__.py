"""Lists from other systems (clients, staff, plans, care system): load, search, match."""
