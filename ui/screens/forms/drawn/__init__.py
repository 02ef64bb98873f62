"""Making a form by boxes on the blank of a form printed elsewhere."""
