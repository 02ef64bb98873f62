"""What does one handwritten line read?"""
