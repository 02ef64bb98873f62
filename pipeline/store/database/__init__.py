"""The database's engine, transactions, clock, image files and migrations."""
