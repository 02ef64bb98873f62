"""The schema's history: one linear Alembic history, from the baseline 0001 on."""
