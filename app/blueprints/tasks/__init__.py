"""The task tracker's own pages."""
