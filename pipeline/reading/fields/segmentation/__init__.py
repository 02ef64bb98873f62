"""Where are the lines of an area of writing?"""
