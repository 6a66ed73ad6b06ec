"""The daemon in a user's session: it owns the camera and keeps the windows' process alive."""
