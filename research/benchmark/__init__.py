"""Speed, memory, other programs."""
