"""Commands that set a workspace up: store, registers, accounts, blocks."""
