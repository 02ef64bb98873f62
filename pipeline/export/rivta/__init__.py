"""How does an entry become an answer of a RIVTA service contract?"""
