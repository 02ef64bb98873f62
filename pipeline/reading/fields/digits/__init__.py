"""Which number is in a row of digit boxes?"""
