"""The size and shape of the program: statements by feature, imports, and wording."""
