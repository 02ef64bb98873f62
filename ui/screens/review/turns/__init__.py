"""What may come between two entries: a batch of similar field images, or a rekeying task."""
