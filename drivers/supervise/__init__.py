"""One owner of the camera: it keeps frames fresh, opens again what fell away, tells its health."""
