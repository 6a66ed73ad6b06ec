"""Demo clips from photographs of clear origin, and the calls played against them."""
