"""Export, Skriv in, Betalningar, Arkiv."""
