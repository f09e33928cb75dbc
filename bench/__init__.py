"""Benchmarks: the product against the bare minimum on the same server, as ratios."""
