"""A sheet that is filled in by the program, for practice and tests."""
