"""Proofs that the road holds."""
