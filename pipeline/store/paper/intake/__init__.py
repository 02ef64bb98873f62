"""What comes in: stacks of paper, and the folders that are watched for them."""
