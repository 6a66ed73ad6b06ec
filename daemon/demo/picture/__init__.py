"""What stands before the demo's camera: portraits, cards, clips."""
