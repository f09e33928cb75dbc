"""The documentation that the app serves about itself."""
