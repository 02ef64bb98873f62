"""How fast reading is, step by step, beside other programs on the same pages in the same run, and whether its memory stays flat."""
