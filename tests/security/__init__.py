"""Matrices: what must hold for each procedure, each channel, each table."""
