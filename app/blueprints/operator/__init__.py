"""The operator's side: the command line, and whether the app is alive and ready."""
