"""Networks and geometry: arrays in, numbers out."""
