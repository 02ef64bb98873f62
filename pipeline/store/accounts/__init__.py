"""Users, sessions, and who may see what."""
