"""Checks of the counter: configuration, camera, networks, records, centre, library."""
