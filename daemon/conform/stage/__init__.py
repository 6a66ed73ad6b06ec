"""Where the cases play: the real daemon with invented persons, a scripted camera, a centre of its own."""
