"""The screens Export, Skriv in, Betalningar and Arkiv."""
