"""Proofs about app.identity."""
