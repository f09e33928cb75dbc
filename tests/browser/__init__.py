"""A real server, real clients, and a real browser."""
