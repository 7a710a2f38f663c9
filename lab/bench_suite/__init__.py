"""The benchmark suite: figures with their targets, medians of several rounds in one run."""
