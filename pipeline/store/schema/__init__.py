"""All tables, by topic: paper, accounts, review and exports."""
