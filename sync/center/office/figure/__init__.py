"""What records add up to: certification rates, and settlements against certificates."""
