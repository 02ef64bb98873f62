"""One module per revision, named NNNN_topic.py; the number is the revision's id."""
