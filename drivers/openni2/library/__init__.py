"""The library itself: its C interface, its devices and what it says."""
