"""How a person gets in: passwords, the second factor, codes, and the accounts themselves."""
