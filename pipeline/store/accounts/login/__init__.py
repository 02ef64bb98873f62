"""How a person gets in: passwords, limits, second factors, changes by others, identity provider."""
