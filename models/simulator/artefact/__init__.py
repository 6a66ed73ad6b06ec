"""What is shown: living heads, and attacks on paper, on displays and as masks."""
