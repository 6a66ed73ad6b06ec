"""Commands about what is plugged in: cameras, card readers."""
