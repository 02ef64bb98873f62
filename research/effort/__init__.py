"""Keys and seconds per paper by a scripted user: by hand, with a key-in list, and with import."""
