"""What an engineer looks at: the camera live, a self-test, measures, the log, the bundle."""
