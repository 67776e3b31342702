"""Pictures, keypoint sets and annotation files: everything that is read before training and evaluation. NumPy, no torch."""
