"""What the centre's operator does beside the running service: audit, sticks, backup."""
