"""Engine, transactions, clock, image files, migrations."""
