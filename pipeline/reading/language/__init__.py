"""CTC decoding, Swedish language model, formats of values."""
