"""From one version to another and back: each step can be cut off by a power failure."""
