"""The history of the database's schema: one linear Alembic history, from the baseline 0001 on."""
