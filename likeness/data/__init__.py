"""What comes in: data sets as values, their splits, and batches of them."""
