"""The C library HIS programs load; it speaks to the daemon by wire only."""
