"""Which check boxes are marked, and which are cancelled?"""
