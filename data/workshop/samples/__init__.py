"""The sample pictures that the demo repairs, and their ground truth."""
