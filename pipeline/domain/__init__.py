"""The nouns and the pure rules: no SQL, no network, no image processing."""
