"""How does a person key exported entries in from a screen?"""
