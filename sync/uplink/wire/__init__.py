"""What travels: one connection, the bodies sent and the answers read."""
