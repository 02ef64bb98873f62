"""What the paper says of the patient as resources of its own, and the terms of their codes."""
