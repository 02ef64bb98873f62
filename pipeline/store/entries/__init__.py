"""An entry, its answers and versions, its place in the queue."""
