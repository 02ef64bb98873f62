"""Riksarkivet and Socialstyrelsen formats."""
