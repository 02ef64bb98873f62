"""The screen Sök löpnummer: looking up a sheet by its serial."""
