"""What the paper says of the patient as resources of its own: measurements and warnings."""
