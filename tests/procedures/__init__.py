"""Proofs about app.procedures."""
