"""How the networks were trained and measured.

Not in the wheel. May import `pipeline`, never the reverse.
"""
