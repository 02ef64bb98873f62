"""The key-in list on paper and on screen."""
