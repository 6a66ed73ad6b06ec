"""What was counted, as rates, text and pictures."""
