"""Packs the rooms for a counter PC; imports none of them."""
