"""The HTTP API: a route for each procedure that the catalogue offers there."""
