"""What happens when a person reviews what was read from paper?"""
