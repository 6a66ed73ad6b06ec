"""How alive a face is: what depth, infrared and movement say about it, as numbers."""
