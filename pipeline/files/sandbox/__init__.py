"""Open foreign files in a process of its own with limits, so that none can harm the program."""
