"""Proofs about app.core."""
