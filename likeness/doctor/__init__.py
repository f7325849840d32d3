"""What is wrong with a trained model, in words and figures, and what to change."""
