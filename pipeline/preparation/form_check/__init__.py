"""Find every mistake of a form, with its file and line."""
