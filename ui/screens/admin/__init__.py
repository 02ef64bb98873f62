"""The screens Logga in, Konton and Logg."""
