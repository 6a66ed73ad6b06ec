"""Doors into the daemon: the HIS contract over HTTP and the clerk's counter."""
