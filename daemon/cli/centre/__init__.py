"""Commands about what the centre signs and what the daemon signs."""
