"""Where the cases play: the real daemon, invented persons, a scripted camera, its own centre."""
