"""The organisation tree: regions, and the institutions in them."""
