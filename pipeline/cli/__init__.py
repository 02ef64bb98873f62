"""One file a command group; commands, JSON keys and exit codes stay."""
