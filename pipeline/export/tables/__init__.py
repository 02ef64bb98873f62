"""How do entries become tables for other systems, by mapping files?"""
