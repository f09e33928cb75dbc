"""Benchmarks: the product against the bare minimum, and against its best-known like, as ratios."""

CONNECTIONS = 16
