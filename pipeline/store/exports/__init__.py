"""Records for export, export runs and receipts, payment approvals, statistics and archives."""
