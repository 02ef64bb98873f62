"""The database's engine, transactions, image files and history of the schema."""
