"""Takes a new version in beside the running one, switches, watches, and goes back by itself."""
