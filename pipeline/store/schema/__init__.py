"""All tables, by topic: paper, accounts, review, exports and keying in."""
