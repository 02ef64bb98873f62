"""Acts of reviewers: decide, correct, ask, transfer, sign, batch review."""
