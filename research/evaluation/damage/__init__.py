"""Series of damage at rising strength."""
