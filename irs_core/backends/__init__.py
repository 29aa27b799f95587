"""Ways to run a classifier: noisy batches in, class ids out."""
