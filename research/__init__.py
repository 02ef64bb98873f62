"""NOT in the wheel: how the networks were made and measured; may import pipeline, never the
reverse.
"""
