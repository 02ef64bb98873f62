"""Records for export, runs, receipts, payment approvals, archives."""
