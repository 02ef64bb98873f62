"""The command line, one file a group of commands; other programs depend on it."""
