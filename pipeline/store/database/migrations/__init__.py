"""The schema's history from the baseline 0023 on, and what runs it: upgrades and restored rows."""
