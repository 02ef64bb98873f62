"""Registered documents as ERMS 2.1.2, which Riksarkivet adopts as FGS Ärendehantering."""
