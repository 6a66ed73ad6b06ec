"""Bytes of a HIS call to a typed request, and an answer back to bytes."""
