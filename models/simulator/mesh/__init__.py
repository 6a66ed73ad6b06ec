"""Heads as meshes: fetched, compiled, fitted with landmarks."""
