"""The catalogue seen from outside."""
