"""Lists from other systems (clients, staff, plans, care system): loading, search, matching."""
