"""What people share in their organizations."""
