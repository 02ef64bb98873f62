"""Export runs and receipts, records, payments, statistics, archives, lists of the care system."""
