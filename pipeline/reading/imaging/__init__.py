"""Which operations on images does every stage of reading share?"""
