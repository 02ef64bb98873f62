"""Forms without paper: one HTML file a form, filled in on any computer without a network."""
