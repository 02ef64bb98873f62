"""What people's corrections teach: better probabilities, the words that are used here, and, if asked for, lines to train on."""
