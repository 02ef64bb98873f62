"""The domain model and its rules: no SQL, no network, no image processing."""
