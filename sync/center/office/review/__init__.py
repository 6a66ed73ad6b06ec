"""What awaits a decision, and a second one by somebody else (S4-100)."""
