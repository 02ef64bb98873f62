"""Users, sessions, row-level visibility, blocks, protected identities."""
