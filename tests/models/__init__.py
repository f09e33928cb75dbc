"""Proofs about app.models."""
