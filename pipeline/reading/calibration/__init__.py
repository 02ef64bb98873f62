"""How probable is it that a reading with this score is right?"""
