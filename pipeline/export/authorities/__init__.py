"""Formats of Riksarkivet and Socialstyrelsen."""
