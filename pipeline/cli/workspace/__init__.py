"""Commands that make, keep and fill a workspace."""
