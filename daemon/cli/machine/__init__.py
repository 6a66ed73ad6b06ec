"""Commands for the machine the daemon runs on: what is installed, set and wrong."""
