"""What a person sets up for themselves."""
