"""Runs a driver in a child process that may block for ever or crash without harm to ours."""
