"""Looking up: sheets by serial, entries by what is known of them, and what a person has done."""
