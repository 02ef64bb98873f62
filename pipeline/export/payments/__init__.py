"""Payment files (pain.001) and their approval."""
