"""Key-in list on paper and on screen."""
